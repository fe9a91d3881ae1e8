"""`/api/studio`: what can be chosen."""

from fastapi import APIRouter

from engine.studio.routes.common import Here
from engine.studio.schema import About

router = APIRouter(tags=["studio"])


@router.get("/api/studio")
async def about(studio: Here) -> About:
    """Tell of the studio, and of all that can be chosen."""
    return studio.about
