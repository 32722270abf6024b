"use strict";
// Before the page is drawn, so that what is only for pages without scripts never shows.
document.documentElement.classList.add("js");

// The chosen theme, remembered in this browser under the name that Django's admin uses too. Runs before the page is drawn, so that it never shows in the other one.
(() => {
  const KEY = "theme";
  const stored = () => {
    try { return localStorage.getItem(KEY) || "auto"; } catch { return "auto"; }
  };
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    document.querySelectorAll("[data-theme-choice]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (document.documentElement.dataset.theme || "auto")));
    });
  };
  apply(stored());
  document.addEventListener("DOMContentLoaded", () => apply(stored()));
  // Another tab chose.
  addEventListener("storage", (event) => { if (event.key === KEY) apply(stored()); });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    const theme = button.dataset.themeChoice;
    try { localStorage.setItem(KEY, theme); } catch { /* It holds for this page only. */ }
    apply(theme);
  });
})();
