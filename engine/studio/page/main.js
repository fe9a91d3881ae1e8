// @ts-check
/** The page begins here: it asks the studio what there is, brings back what was, and puts the parts in place. */

import { get } from "./api.js";
import { listenToBrush } from "./brush.js";
import { $ } from "./dom.js";
import { followDreams, showDreaming } from "./dreaming.js";
import { bring, keep } from "./kept.js";
import { fail } from "./notes.js";
import { listenToPictures, openDream } from "./opening.js";
import { showPages } from "./pages.js";
import { showResult } from "./result.js";
import { picked } from "./settings.js";
import { showShelf } from "./shelf.js";
import { showStage } from "./stage.js";
import { atWork, change, state } from "./store.js";
import { listenToTabs } from "./tabs.js";
import { _, asSentence, speak } from "./texts.js";
import { showTiles } from "./tiles.js";
import { showWhere } from "./where.js";

async function start() {
  speak();
  change({ studio: await get("studio") });
  const pick = `look/${state.studio.looks[0].name}`;
  const was = await bring();
  change({ pick, values: picked(pick), ...was });
  listenToPictures();
  listenToBrush();
  listenToTabs();
  for (const part of [showStage, showTiles, showPages, showWhere, showDreaming, showResult, showShelf])
    part();
  keep();
  for (const id of ["welcome-choose", "sample"]) $(id, HTMLButtonElement).disabled = false;
  await followDreams();
  const going = state.dreams.find((dream) => dream.id === was.shown) ?? state.dreams.find(atWork);
  change({ ...state, shown: null });
  if (going) await openDream(going);
  const { device, fallback } = state.studio;
  $("device").textContent = device.startsWith("cuda")
    ? _("NVIDIA GPU (CUDA)")
    : device.startsWith("webgpu")
      ? device.slice("webgpu: ".length)
      : _("Processor (CPU)");
  $("device").title = fallback && asSentence(fallback);
}

start().catch(fail);
