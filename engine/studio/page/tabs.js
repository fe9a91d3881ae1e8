// @ts-check
/** The panel's tabs: one is shown, the arrow keys go from one to the next. */

import { $, show } from "./dom.js";

/** Make the tabs of the panel work. */
export function listenToTabs() {
  const tabs = [...$("panel").querySelectorAll("[role=tab]")].map(
    (x) => /** @type {HTMLButtonElement} */ (x),
  );
  const open = (/** @type {HTMLButtonElement} */ wanted) => {
    for (const tab of tabs) {
      tab.ariaSelected = String(tab === wanted);
      tab.tabIndex = tab === wanted ? 0 : -1;
      show(tab === wanted, $(tab.getAttribute("aria-controls") ?? ""));
    }
  };
  tabs.forEach((tab, at) => {
    tab.onclick = () => open(tab);
    tab.onkeydown = ({ key }) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[key];
      if (to === undefined) return;
      const next = tabs[to % tabs.length];
      open(next);
      next.focus();
    };
  });
}
