"""The public names of the engine, once: read by type checkers, and by `__init__.py` to find a name's home."""

from engine._version import __version__ as __version__
from engine.ascent.step import Step as Step
from engine.errors import Cancelled as Cancelled
from engine.errors import DeviceError as DeviceError
from engine.errors import DreamError as DreamError
from engine.errors import DreamWarning as DreamWarning
from engine.errors import ImageError as ImageError
from engine.errors import IncompleteError as IncompleteError
from engine.errors import ModelError as ModelError
from engine.errors import UsageError as UsageError
from engine.errors import WeightsError as WeightsError
from engine.errors import WireError as WireError
from engine.films.api import Film as Film
from engine.films.api import video as video
from engine.films.api import zoom as zoom
from engine.films.shot import Frame as Frame
from engine.galleries.gallery import Gallery as Gallery
from engine.galleries.gallery import gallery as gallery
from engine.galleries.ranking import RankedChannel as RankedChannel
from engine.galleries.ranking import rank_channels as rank_channels
from engine.library.dream import Dream as Dream
from engine.library.dream import dream as dream
from engine.library.dream import finish as finish
from engine.library.dream import steps as steps
from engine.library.repeating import read_recipe as read_recipe
from engine.network.model import DreamModel as DreamModel
from engine.network.model import load_model as load_model
from engine.pictures.picture import Picture as Picture
from engine.settings.config import DreamConfig as DreamConfig
from engine.settings.output import Output as Output
from engine.settings.presets import PRESETS as PRESETS
from engine.settings.recipe import Recipe as Recipe
from engine.settings.tiling import Tiling as Tiling
from engine.stop import Stop as Stop

__all__: list[str]
