"use strict";
// Announcing, copying, and charts that are one stop of the Tab key.

// Every page has one live region. The same text twice is announced twice.
const announce = (text) => {
  const region = one("#announcer");
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
};

// The visible label says "Copied" for a moment, where people look; a label for screen readers beside it stays.
const COPIED_MS = 2500;
const labelOf = (button) => [...button.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
const showCopied = (button) => {
  const label = labelOf(button);
  if (button.classList.contains("copied")) return;
  const before = label.data;
  button.classList.add("copied");
  label.data = " Copied";
  setTimeout(() => {
    button.classList.remove("copied");
    label.data = before;
  }, COPIED_MS);
};
// Where the browser refuses, the text is selected, ready for the keyboard.
const copy = async (button) => {
  const source = one(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    showCopied(button);
    announce("Copied.");
  } catch {
    getSelection().selectAllChildren(source);
    announce("Your browser did not allow copying. The text is selected: press Control and C.");
  }
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// The arrow keys move between the bars of a chart, and one of them can be reached by the Tab key.
const barsOf = (chart) => all("a", chart);
const chooseBar = (bars, chosen) => bars.forEach((bar) => bar.setAttribute("tabindex", bar === chosen ? "0" : "-1"));
const prepareCharts = () => all("[data-chart]").forEach((chart) => {
  const bars = barsOf(chart);
  if (!bars.some((bar) => bar.getAttribute("tabindex") === "0")) chooseBar(bars, bars[0]);
});
const STEPS = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
document.addEventListener("keydown", (event) => {
  const chart = event.target.closest?.("[data-chart]");
  if (!chart || !(event.key in STEPS) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const bars = barsOf(chart);
  const at = bars.indexOf(event.target.closest("a")) + STEPS[event.key];
  const next = bars[Math.min(Math.max(at, 0), bars.length - 1)];
  chooseBar(bars, next);
  next.focus();
});
document.addEventListener("htmx:afterSettle", prepareCharts);
prepareCharts();
