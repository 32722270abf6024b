"use strict";
// Parts of pages that update on their own. They are morphed: what did not change keeps its focus, selection and scroll
// position. What changed is announced once, in the live region of the page and in its title.

Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element.matches("details"));

const ROUNDS = "[hx-trigger^=every]";
const UPDATES = `${ROUNDS}, [hx-trigger^='load delay']`;
const FIELDS = "input, select, textarea";
const CONTROLS = "a, button, summary";
// One round comes every five seconds.
const A_ROUND = 5000;
const MOST_ANNOUNCED = 3;

// What each part of the page says about its state, by the id of the part.
const statesIn = (root) => all("[data-announce]", root).map((element) => [element.id, element.dataset.announce]);
const known = new Map(statesIn(document));
const changesIn = (page) => {
  const changed = statesIn(page).filter(([id, state]) => known.get(id) !== state);
  changed.forEach(([id, state]) => known.set(id, state));
  return changed.map(([, state]) => state).filter(Boolean);
};
const sentence = (changes) => {
  const more = changes.length - MOST_ANNOUNCED;
  return changes.slice(0, MOST_ANNOUNCED).join(". ") + (more > 0 ? `, and ${more} more changes.` : ".");
};

// The title says the newest change until the person comes back to the page.
let news = "";
let title = document.title;
const showTitle = () => { document.title = news ? `${news} · ${title}` : title; };
["pointerdown", "keydown", "focus"].forEach((kind) => addEventListener(kind, () => {
  if (!news) return;
  news = "";
  showTitle();
}));

// Someone edits a field, selects text to copy it, or has just reached a button that they may be about to press: this
// round changes nothing they see. A button keeps its focus after a click, so it delays one round only.
let focusedAt = -A_ROUND;
document.addEventListener("focusin", () => { focusedAt = performance.now(); });
const isInUse = (part) => {
  const selection = getSelection();
  const selects = !selection.isCollapsed && part.contains(selection.anchorNode);
  const focused = document.activeElement;
  const hasJustReached = focused.matches(CONTROLS) && performance.now() - focusedAt < A_ROUND;
  return selects || (part.contains(focused) && (focused.matches(FIELDS) || hasJustReached));
};
let hadFocus = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  const { shouldSwap, requestConfig, target, xhr } = event.detail;
  if (!shouldSwap || !requestConfig.elt.matches(UPDATES)) return;
  const page = pageOf(xhr);
  const changes = changesIn(page);
  title = page.title || title;
  if (changes.length) {
    news = changes[0];
    announce(sentence(changes));
  }
  hadFocus = target !== document.activeElement && target.contains(document.activeElement);
  // What loads once only would not load again.
  if (requestConfig.elt.matches(ROUNDS) && isInUse(target)) event.detail.shouldSwap = false;
  showTitle();
});
// What had the focus may be gone, such as the button that cancels a build that is over.
document.addEventListener("htmx:afterSettle", (event) => {
  showTitle();
  if (!hadFocus || document.activeElement !== document.body) return;
  hadFocus = false;
  event.detail.elt.setAttribute("tabindex", "-1");
  event.detail.elt.focus({ preventScroll: true });
});
