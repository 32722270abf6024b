"use strict";
// Everything here is a convenience: the pages work without it.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// While a test runs: how long it has been, and how long it may take.
let clock = null;
const startClock = (busy) => {
  const started = performance.now();
  const show = () => {
    const seconds = Math.floor((performance.now() - started) / 1000);
    one("[data-elapsed]", busy).textContent = `${seconds} s of at most ${busy.dataset.limit} s`;
  };
  busy.classList.add("on");
  show();
  clock = setInterval(show, 1000);
};
const stopClock = () => {
  clearInterval(clock);
  all(".busy.on").forEach((busy) => busy.classList.remove("on"));
};
const setRunning = (button, running) => {
  if (running) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
};
document.addEventListener("htmx:beforeRequest", (event) => {
  const button = event.detail.elt;
  if (!button.matches("[data-test], [data-submit]")) return;
  setRunning(button, true);
  startClock(one(".busy"));
});
// A round that takes long lets the next one wait for it. If it was the last, its part no longer says what to show of a page.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.detail.elt.matches("[hx-get], [hx-post]")) event.preventDefault();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const button = event.detail.elt;
  if (!button.matches("[data-test], [data-submit]")) return;
  setRunning(button, false);
  stopClock();
});
// One notice says what failed, until a request succeeds. The page keeps what it shows and goes on updating.
const failed = (element, text) => {
  const notice = one("[data-failed]") || document.createElement("p");
  if (notice.textContent !== text) notice.textContent = text;
  if (!notice.isConnected) {
    notice.className = "errors";
    notice.dataset.failed = "";
    notice.setAttribute("role", "alert");
    (one("#form_errors") || one("#main")).prepend(notice);
  }
  // "every" repeats, "load" happens once for each element.
  if (element.matches("[hx-trigger^='load delay']")) {
    const again = element.cloneNode(true);
    again.classList.remove("htmx-request");
    element.replaceWith(again);
    htmx.process(again);
  }
};
document.addEventListener("htmx:sendError", (event) => {
  failed(event.detail.elt, "The server did not respond. Check your network and try again.");
});
// The page in a response, parsed once for all that look at it before it is swapped in.
const pages = new WeakMap();
const pageOf = (xhr) => {
  if (!pages.has(xhr)) pages.set(xhr, new DOMParser().parseFromString(xhr.responseText, "text/html"));
  return pages.get(xhr);
};
// An error page must not replace a part that updates: that of a proxy lacks the part, and ours has no trigger.
const hasPart = (element, xhr) => {
  const selector = xhr.getResponseHeader("HX-Reselect") || element.getAttribute("hx-select");
  if (!selector) return true;
  if (xhr.status >= 400 && element.matches("[hx-trigger^=every], [hx-trigger^='load delay']")) return false;
  return one(selector, pageOf(xhr)) !== null;
};
document.addEventListener("htmx:beforeSwap", (event) => {
  const { shouldSwap, requestConfig, xhr } = event.detail;
  if (!shouldSwap) return;
  if (hasPart(requestConfig.elt, xhr)) {
    one("[data-failed]")?.remove();
    return;
  }
  event.detail.shouldSwap = false;
  failed(requestConfig.elt, "This page could not be updated. If it keeps happening, reload it.");
});

// Filters apply at once and are in the address. Empty values are left out of it.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.matches("[data-live-filter]")) return;
  const { formData } = event.detail;
  [...formData].forEach(([name, value]) => { if (!value) formData.delete(name); });
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful, pathInfo } = event.detail;
  if (!successful || !elt.matches("[data-live-filter]")) return;
  history.replaceState(null, "", pathInfo.finalRequestPath);
  const status = one("[data-listing-status]");
  if (status) status.textContent = one("[data-summary]")?.textContent || "";
});

// "/" goes to the search, unless someone is typing or has switched it off in this browser: speech input may type it.
const SHORTCUT = "search-shortcut";
const isShortcutOn = () => {
  try { return localStorage.getItem(SHORTCUT) !== "off"; } catch { return true; }
};
const showShortcut = () => all("[data-search-shortcut]").forEach((button) => button.setAttribute("aria-pressed", String(isShortcutOn())));
showShortcut();
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-search-shortcut]")) return;
  try { localStorage.setItem(SHORTCUT, isShortcutOn() ? "off" : "on"); } catch { /* The browser stores nothing. */ }
  showShortcut();
});
document.addEventListener("keydown", (event) => {
  const search = one("[data-site-search]");
  const isTyping = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping || !search || !isShortcutOn()) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// Ticked rows: how many there are, and what can be done with them.
const ticks = () => all("input[type=checkbox][form=selection]");
const showSelection = () => {
  const form = one("[data-selection]");
  if (!form) return;
  const ticked = ticks().filter((tick) => tick.checked).length;
  form.classList.toggle("on", ticked > 0);
  one("[data-selected]", form).textContent = `${ticked} selected`;
  const everything = one("[data-tick-all]");
  everything.hidden = false;
  everything.checked = ticked > 0 && ticked === ticks().length;
  everything.indeterminate = ticked > 0 && !everything.checked;
};
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) ticks().forEach((tick) => { tick.checked = event.target.checked; });
  showSelection();
});

// Errors: say it on the input, and go to the first.
const INPUTS = "input, select, textarea";
const setDescribed = (element, id, isDescribed) => {
  const others = (element.getAttribute("aria-describedby") || "").split(" ").filter((each) => each && each !== id);
  const ids = (isDescribed ? [...others, id] : others).join(" ");
  if (ids) element.setAttribute("aria-describedby", ids);
  else element.removeAttribute("aria-describedby");
};
const syncErrors = () => {
  all(".errors[id$=_errors]").forEach((box) => {
    const input = document.getElementById(box.id.replace(/_errors$/, ""));
    // Of radio buttons and checkboxes, the group is described.
    const described = input && (input.matches(INPUTS) ? input : input.closest("fieldset"));
    if (!described) return;
    const wrong = box.textContent.trim() !== "";
    // The list of messages has the id that Django gives it.
    if (!described.matches(`[aria-describedby~="${box.id}"]`)) setDescribed(described, box.id.replace(/s$/, ""), wrong);
    if (described !== input) return;
    if (wrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  });
};
const focusFirstError = () => {
  const box = all(".errors").find((each) => each.textContent.trim() !== "");
  if (!box) return false;
  const field = box.closest(".field");
  const input = field && one("input:not([type=hidden]), select, textarea, button", field);
  // An alert is read without being focused.
  if (!input && !box.matches("[role=alert]")) box.setAttribute("tabindex", "-1");
  (input || box).focus();
  box.scrollIntoView({ block: "center" });
  return true;
};
// A log that is followed stays at its end, unless somebody has scrolled up to read.
let atEnd = true;
const logBox = () => one("[data-follow]");
document.addEventListener("htmx:beforeSwap", () => {
  const box = logBox();
  atEnd = !box || box.scrollHeight - box.scrollTop - box.clientHeight < 80;
});
document.addEventListener("htmx:afterSettle", (event) => {
  const box = logBox();
  if (box && atEnd) box.scrollTop = box.scrollHeight;
  prepare();
  if (!event.detail.elt.matches("#test-result, #main")) return;
  syncErrors();
  if (!focusFirstError()) one("#test-result .outcome h3")?.focus();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[aria-disabled=true]")) event.preventDefault();
});
// An open menu closes when somebody goes elsewhere.
const closeMenus = (except) => all("details.menu[open]").forEach((menu) => { menu.open = menu === except; });
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && one("details.menu[open]");
  if (!menu) return;
  closeMenus();
  if (menu.contains(document.activeElement)) one("summary", menu).focus();
});
document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) window.print(); });
const prepare = () => {
  all("[data-print]").forEach((button) => { button.hidden = false; });
  showSelection();
  all("[data-copy]").forEach((button) => { button.hidden = !navigator.clipboard; });
};
prepare();
if (logBox()) logBox().scrollTop = logBox().scrollHeight;
syncErrors();
focusFirstError();
