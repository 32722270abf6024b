"use strict";
// Everything here is a convenience: the pages work without it.
document.documentElement.classList.add("js");

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
  if (!button.matches("[data-test]")) return;
  setRunning(button, true);
  startClock(one(".busy"));
});
document.addEventListener("htmx:afterRequest", (event) => {
  const button = event.detail.elt;
  if (!button.matches("[data-test]")) return;
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
// An error page must not replace a part that updates: that of a proxy lacks the part, and ours has no trigger.
const hasPart = (element, xhr) => {
  const selector = xhr.getResponseHeader("HX-Reselect") || element.getAttribute("hx-select");
  if (!selector) return true;
  if (xhr.status >= 400 && element.matches("[hx-trigger^=every], [hx-trigger^='load delay']")) return false;
  return one(selector, new DOMParser().parseFromString(xhr.responseText, "text/html")) !== null;
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

// Errors: say it on the input, and go to the first.
const syncErrors = () => {
  all(".errors[id$=_errors]").forEach((box) => {
    const input = document.getElementById(box.id.replace(/_errors$/, ""));
    if (!input || !input.matches("input, select")) return;
    const wrong = box.textContent.trim() !== "";
    if (wrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  });
};
const focusFirstError = () => {
  const box = all(".errors").find((each) => each.textContent.trim() !== "");
  if (!box) return false;
  const field = box.closest(".field");
  const input = field && one("input:not([type=hidden]), select, button", field);
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
  if (!event.detail.elt.matches("#test-result, #main, #project-answer")) return;
  syncErrors();
  if (!focusFirstError()) one("#test-result .outcome h3")?.focus();
});

// A change of what was tested makes its result outdated.
const TESTED = "#id_organization, #id_token, [name=server]";
document.addEventListener("input", (event) => {
  if (event.target.matches(TESTED)) {
    const result = one("#test-result");
    if (one(".report", result || document)) result.classList.add("outdated");
  }
  if (event.target.matches("#id_organization")) understand();
  if (event.target.matches("[data-filter]")) filter(event.target);
});

// The organization or collection as it is typed: a link to its tokens, and what was understood.
const organizationIn = (typed) => {
  const host = typed.match(/^(?:https?:\/\/)?([a-z0-9-]+)\.visualstudio\.com/i);
  const path = typed.match(/^(?:https?:\/\/)?(?:[^@/]+@)?[^/]*\.[^/]*\/([a-z0-9-]+)/i);
  const name = host ? host[1] : path ? path[1] : typed;
  return /^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$/i.test(name) ? name.toLowerCase() : "";
};
const decoded = (text) => {
  try { return decodeURIComponent(text); } catch { return text; }
};
const withoutSchemeAndPort = (address) => address.replace(/^[a-z]+:\/\/(?:[^@/]*@)?|^[^@/]*@/i, "").replace(/^([^/:]*):\d+/, "$1");
const collectionIn = (typed, url) => {
  const base = withoutSchemeAndPort(url) + "/";
  const address = withoutSchemeAndPort(typed) + "/";
  const isBelow = address.toLowerCase().startsWith(base.toLowerCase());
  const name = decoded(isBelow ? address.slice(base.length).split("/")[0] : typed).trim();
  const isOne = name && name.length <= 64 && !/[/:\\~&%;@'"?<>|#$*}{,+=[\]\u0000-\u001f]|\.\.|^[_.]|\.$/.test(name);
  return isOne ? name : "";
};
const chosenServer = () => {
  const servers = all("[data-servers] [data-server]");
  const name = one("[name=server]")?.value;
  return servers.find((each) => each.dataset.server === name) || servers[0];
};
const understand = () => {
  const input = one("#id_organization");
  if (!input) return;
  const server = chosenServer();
  const { place, url } = server.dataset;
  const typed = input.value.trim();
  const name = place === "collection" ? collectionIn(typed, url) : organizationIn(typed);
  const echo = one("[data-understood]");
  const capital = place[0].toUpperCase() + place.slice(1);
  echo.hidden = !name || name === typed;
  echo.textContent = `${capital}: ${name}`;
  if (name) one("[data-tokens-link]").href = server.textContent.replace(`your-${place}`, encodeURIComponent(name));
  // With one server chosen, only what concerns it is said.
  one("label[for=id_organization]").textContent = `${capital} Name`;
  all("[data-for]").forEach((each) => { each.hidden = each.dataset.for !== place; });
  all("[data-for-server]").forEach((each) => { each.hidden = each.dataset.forServer !== server.dataset.server; });
};

// Projects: search, and choosing one means "only these".
const filter = (input) => {
  const list = one(input.dataset.filter);
  const words = input.value.trim().toLocaleLowerCase();
  const rows = all("label", list);
  rows.forEach((row) => { row.hidden = !row.textContent.toLocaleLowerCase().includes(words); });
  one("[data-none]", list).hidden = rows.some((row) => !row.hidden);
};
const showProjects = () => {
  const box = one("[data-projects]");
  if (!box) return;
  one(".some", box).hidden = one("[name=projects_mode]:checked", box)?.value !== "some";
};
const showDates = () => {
  all("[data-date-choice]").forEach((box) => {
    const date = one("input", box);
    const form = date.form;
    const name = date.name.replace(/expires_on$/, "expires");
    box.hidden = one(`[name="${name}"]:checked`, form)?.value !== "date";
  });
};
document.addEventListener("change", () => { showProjects(); showDates(); understand(); });

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(one(button.dataset.copy).textContent);
    button.lastChild.textContent = " Copied";
  }
  if (event.target.closest("[aria-disabled=true]")) event.preventDefault();
});
// An open menu closes when somebody goes elsewhere.
const closeMenus = (except) => all("details.menu[open]").forEach((menu) => { menu.open = menu === except; });
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && one("details.menu[open]");
  if (!menu) return;
  closeMenus();
  if (menu.contains(document.activeElement)) one("summary", menu).focus();
});
// Enter in the search or in "My project is not listed" must not connect.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  if (event.target.matches("#project-filter")) event.preventDefault();
  if (event.target.matches("#id_project_name")) {
    event.preventDefault();
    one("#project-finder button").click();
  }
});

const prepare = () => {
  all("[data-copy]").forEach((button) => { button.hidden = !navigator.clipboard; });
  showProjects();
  showDates();
  understand();
};
prepare();
if (logBox()) logBox().scrollTop = logBox().scrollHeight;
syncErrors();
focusFirstError();
