"use strict";
// The pages with a token form: connect, update token, rotation, edit. They work without this file, which saves typing:
// a request replaces the messages and the result, never a field.

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
const withoutScheme = (address) => address.replace(/^[a-z]+:\/\/(?:[^@/]*@)?|^[^@/]*@/i, "");
const withoutSchemeAndPort = (address) => withoutScheme(address).replace(/^([^/:]*):\d+/, "$1");
const collectionIn = (typed, url) => {
  const base = withoutSchemeAndPort(url) + "/";
  const address = withoutSchemeAndPort(typed) + "/";
  const isInside = address.toLowerCase().startsWith(base.toLowerCase());
  const name = decoded(isInside ? address.slice(base.length).split("/")[0] : typed).trim();
  const isOne = name && name.length <= 64 && !/[/:\\~&%;@'"?<>|#$*}{,+=[\]\u0000-\u001f]|\.\.|^[_.]|\.$/.test(name);
  return isOne ? name : "";
};
const servers = () => all("[data-servers] [data-server]");
const chosenServer = () => {
  const name = one("[name=server]")?.value;
  return servers().find((each) => each.dataset.server === name) || servers()[0];
};
const isBelow = (typed, server) => {
  const [address, base] = [typed, server.dataset.url].map((text) => `${withoutScheme(text).replace(/^([^/:]*):(?:443|80)(?=\/|$)/, "$1").toLowerCase()}/`);
  return address.startsWith(base) || (base === "dev.azure.com/" && /^[a-z0-9-]+\.visualstudio\.com\//.test(address));
};
// The address of another server's organization: an offer to choose that server.
const offerSwitch = (typed, chosen) => {
  const other = isBelow(typed, chosen) ? null : servers().find((server) => isBelow(typed, server));
  const offer = one("[data-switch]");
  offer.hidden = !other;
  if (!other) return;
  const button = one("button", offer);
  button.textContent = `Switch to ${other.dataset.server}`;
  button.dataset.to = other.dataset.server;
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
  offerSwitch(typed, server);
  // With one server chosen, only what concerns it is said.
  one("label[for=id_organization]").textContent = `${capital} Name`;
  const errors = one("#id_organization_errors");
  errors.dataset.required = errors.dataset.required.replace(/organization|collection/, place);
  all("[data-for]").forEach((each) => { each.hidden = each.dataset.for !== place; });
  all("[data-for-server]").forEach((each) => { each.hidden = each.dataset.forServer !== server.dataset.server; });
};

// What concerns the other way to authenticate is hidden. A server knows only tokens.
const showAuthentication = () => {
  const chosen = one("[name=authentication]:checked");
  if (!chosen) return;
  const isToken = chosen.closest("[data-for]")?.hidden;
  const kind = isToken ? one("[name=authentication]").value : chosen.value;
  if (isToken) one("[name=authentication]").checked = true;
  all("[data-authentication]").forEach((each) => {
    each.hidden = !each.dataset.authentication.split(" ").includes(kind);
    if (each.matches("details") && !each.hidden) each.open = true;
  });
};

const setField = (input, value) => {
  if (!input) return;
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
};
document.addEventListener("click", (event) => {
  const toServer = event.target.closest("[data-switch] button");
  if (toServer) {
    setField(one("#id_server"), toServer.dataset.to);
    one("#id_organization").focus();
  }
  const fillIn = event.target.closest("[data-fill-in]");
  if (!fillIn) return;
  const sample = one("#sample").selectedOptions[0];
  setField(one("#id_server"), fillIn.dataset.fillIn);
  setField(one("#id_organization"), sample.dataset.organization);
  setField(one("#id_token"), sample.value);
  if (!one("#id_name").value) setField(one("#id_name"), `Sandbox ${sample.dataset.label}`);
  if (!one("[name=expires]:checked")) one("[name=expires]").click();
  one("[data-test]").focus();
});

// Projects: search, and choosing one means "only these".
const filter = (input) => {
  const list = one(input.dataset.filter);
  const words = input.value.trim().toLocaleLowerCase();
  const rows = all("label", list);
  rows.forEach((row) => { row.hidden = !row.textContent.toLocaleLowerCase().includes(words); });
  const shown = rows.filter((row) => !row.hidden).length;
  one("[data-none]", list).hidden = shown > 0;
  one("[data-tick=all]").textContent = words ? `Select ${shown} shown` : "Select all";
};
const countProjects = () => {
  const count = one("[data-chosen]");
  if (!count) return;
  const boxes = all("#project-choices input");
  const text = `${boxes.filter((box) => box.checked).length} of ${boxes.length} chosen`;
  if (count.textContent !== text) count.textContent = text;
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-tick]");
  if (!button) return;
  all("#project-choices label:not([hidden]) input").forEach((box) => { box.checked = button.dataset.tick === "all"; });
  one("#project-choices input")?.dispatchEvent(new Event("change", { bubbles: true }));
});
const showProjects = () => {
  const box = one("[data-projects]");
  if (!box) return;
  one(".some", box).hidden = one("[name=projects_mode]:checked", box)?.value !== "some";
};
const showDates = () => {
  all("[data-date-choice]").forEach((box) => {
    const date = one("input", box);
    const name = date.name.replace(/expires_on$/, "expires");
    box.hidden = one(`[name="${name}"]:checked`, date.form)?.value !== "date";
  });
};
// Enter in the search or in "My project is not listed" must not connect.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  if (event.target.matches("#project-filter")) event.preventDefault();
  if (event.target.matches("#id_project_name")) {
    event.preventDefault();
    one("#project-finder button").click();
  }
});

// What must be filled in before the form is sent. Each box of errors knows its message.
const setError = (box, text) => {
  if (box.textContent.trim() === text) return;
  const list = document.createElement("ul");
  list.className = "errorlist";
  list.id = box.id.replace(/s$/, "");
  list.append(document.createElement("li"));
  list.firstChild.textContent = text;
  box.replaceChildren(...(text ? [list] : []));
};
const isFilledIn = (box) => {
  const inputs = all("input, select, textarea", box.closest(".field"));
  return inputs.some((input) => (input.matches("[type=radio], [type=checkbox]") ? input.checked : input.value.trim() !== ""));
};
const isComplete = (form) => {
  const missing = all(".errors[data-required]", form).filter((box) => !box.closest("[hidden]") && !isFilledIn(box));
  missing.forEach((box) => setError(box, box.dataset.required));
  syncErrors();
  if (missing.length) focusFirstError();
  return !missing.length;
};
document.addEventListener("htmx:configRequest", (event) => {
  const button = event.detail.elt;
  if (button.matches("[data-submit]") && !isComplete(button.form)) event.preventDefault();
});

const SENDS = "[data-test], [data-submit], [data-find]";
// A response to the form replaces the messages beside the fields. The fields keep what was typed, also the token.
document.addEventListener("htmx:beforeSwap", (event) => {
  const button = event.detail.requestConfig.elt;
  if (!event.detail.shouldSwap || !button.matches(SENDS) || !button.form) return;
  const page = pageOf(event.detail.xhr);
  const swapsResult = event.detail.xhr.getResponseHeader("HX-Reswap") !== "none";
  all(".errors[id]", button.form).forEach((box) => {
    const now = page.getElementById(box.id);
    if (now && !(swapsResult && box.closest("#test-result"))) box.replaceChildren(...now.childNodes);
  });
});
document.addEventListener("htmx:afterRequest", (event) => {
  const button = event.detail.elt;
  if (!button.matches("[data-submit], [data-find]") || !event.detail.successful) return;
  syncErrors();
  if (!focusFirstError() && button.matches("[data-find]")) one("#project-answer")?.scrollIntoView({ block: "nearest" });
});

// A change of what was tested makes its result outdated, and only a token that was accepted is worth connecting.
const TESTED = "#id_organization, #id_token, #id_tenant, #id_client, #id_client_secret, #id_certificate, #id_certificate_password, [name=server], [name=authentication]";
const emphasize = () => {
  const submit = one("[data-submit]");
  if (!submit) return;
  const isAccepted = one("#test-result[data-accepted]:not(.outdated)") !== null;
  submit.classList.toggle("primary", isAccepted);
  one("[data-test]", submit.form).classList.toggle("primary", !isAccepted);
};
document.addEventListener("input", (event) => {
  if (event.target.matches(TESTED)) {
    const result = one("#test-result");
    if (one(".report", result || document)) result.classList.add("outdated");
    emphasize();
  }
  if (event.target.matches("#id_organization")) understand();
  if (event.target.matches("[data-filter]")) filter(event.target);
  const errors = event.target.closest(".field") && one(".errors", event.target.closest(".field"));
  if (errors?.dataset.required && errors.textContent.trim() === errors.dataset.required && isFilledIn(errors)) {
    setError(errors, "");
    syncErrors();
  }
});
// The chosen date, repeated beside the button that uses it.
const repeatExpiry = () => {
  const line = one("[data-expiry]");
  if (!line) return;
  // The result has the date that was read, whatever was chosen.
  if (one("[data-date-read]")) return void (line.textContent = "");
  const chosen = one("[name=expires]:checked", line.closest("form"));
  const day = chosen?.closest("label").textContent.split(": ")[1];
  if (day) line.textContent = `Expires on ${day.trim()}.`;
  else if (chosen) line.textContent = chosen.value === "unknown" ? "Expiry date unknown." : "";
};
document.addEventListener("change", (event) => {
  showProjects();
  countProjects();
  showDates();
  understand();
  showAuthentication();
  if (event.target.name === "expires") repeatExpiry();
});

// The whole result and the button below it, where they fit on the screen.
document.addEventListener("htmx:afterSettle", (event) => {
  if (one("[data-date-read]")) repeatExpiry();
  const outcome = event.detail.elt.matches("#test-result") && event.detail.elt.closest(".test-outcome");
  if (outcome && outcome.offsetHeight < innerHeight) outcome.scrollIntoView({ block: "nearest" });
});

const prepareForms = () => {
  showProjects();
  countProjects();
  showDates();
  understand();
  showAuthentication();
  emphasize();
};
document.addEventListener("htmx:afterSettle", prepareForms);
prepareForms();
