/** The frame of the page: tabs, language, colors, the token, help, and what screen readers are told. */

import { ask, explain, onTokenNeeded } from "./api.js";
import { h } from "./dom.js";
import { isChinese, setLanguage, t } from "./i18n.js";
import { learnNames } from "./types.js";

const byId = (id) => document.getElementById(id);
const TABS = ["explore", "extract"];

/**
 * What a tab may use. A tab is a module with `mount(panel, app)`, called when the tab is first shown.
 *
 * - `info`: the answer of `/v1/info`
 * - `announce(text)`: tell screen readers
 * - `showProblem(panel, error, retry)`: put one sentence and a button into a panel
 * - `openTab(name)`
 * - `find(text, type)`: look a name up in the graph tab
 */
const app = { info: null, announce, showProblem, openTab, find };
const mounted = {};

/** Tell screen readers something; the same text twice is told twice. */
function announce(text) {
  const live = byId("live");
  live.textContent = "";
  setTimeout(() => (live.textContent = text), 60);
}

function showProblem(panel, error, retry) {
  const sentence = explain(error);
  const button = retry && h("button", { type: "button", onclick: retry }, t("page.retry"));
  panel.replaceChildren(h("div.message", {}, h("p", {}, sentence), button));
  announce(sentence);
}

async function openTab(name) {
  for (const tab of TABS) {
    const chosen = tab === name;
    byId(`tab-${tab}`).setAttribute("aria-selected", String(chosen));
    byId(`tab-${tab}`).tabIndex = chosen ? 0 : -1;
    byId(tab).hidden = !chosen;
  }
  if (!app.info) return undefined;
  mounted[name] ??= import(`./${name}.js`).then((module) => module.mount(byId(name), app));
  return mounted[name];
}

async function find(text, type) {
  (await openTab("explore")).find(text, type);
}

function wireTabs() {
  for (const tab of TABS) {
    const button = byId(`tab-${tab}`);
    button.addEventListener("click", () => openTab(tab));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -TABS.indexOf(tab), End: TABS.length - 1 - TABS.indexOf(tab) }[
        event.key
      ];
      if (step === undefined) return;
      event.preventDefault();
      const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
      byId(`tab-${next}`).focus();
      openTab(next);
    });
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage may be forbidden; then the choice lasts as long as the page.
  }
}

function wireTools() {
  const label = () => {
    const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    byId("theme").textContent = other === "dark" ? "☾" : "☀";
    byId("theme").ariaLabel = byId("theme").title = t(`page.theme.${other}`);
    byId("language").textContent = t("page.language.short");
    byId("language").ariaLabel = byId("language").title = t("page.language");
    byId("language").lang = isChinese() ? "en" : "zh-Hans";
  };
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    remember("suwen.theme", root.dataset.theme);
    label();
  });
  byId("language").addEventListener("click", () => {
    setLanguage(isChinese() ? "en" : "zh-Hans");
    remember("suwen.language", document.documentElement.lang);
  });
  document.addEventListener("suwen:language", label);
}

/** Ask for the token in a dialog; requests that wait at the same time share it. */
function wireToken() {
  const dialog = byId("token");
  const field = byId("token-value");
  let asking = null;
  byId("token-cancel").addEventListener("click", () => dialog.close("cancel"));
  onTokenNeeded((wasWrong) => {
    asking ??= new Promise((resolve) => {
      byId("token-problem").hidden = !wasWrong;
      field.value = "";
      dialog.returnValue = "cancel";
      dialog.showModal();
      field.focus();
      dialog.addEventListener(
        "close",
        () => {
          asking = null;
          resolve(dialog.returnValue === "cancel" ? null : field.value.trim());
          field.value = "";
        },
        { once: true },
      );
    });
    return asking;
  });
}

const KEYS = {
  "/, Ctrl+K": "search",
  "← ↑ → ↓": "arrows",
  Enter: "enter",
  E: "expand",
  C: "center",
  H: "hide",
  "F, 0": "fit",
  "+, −": "zoom",
  "Shift + ←↑→↓": "pan",
  T: "table",
  "[, ]": "evidence",
  "Ctrl+Enter": "extract",
  Esc: "escape",
  "?": "help",
};

function wireHelp() {
  const dialog = byId("help-dialog");
  const open = () => {
    const rows = Object.entries(KEYS).map(([keys, key]) => [
      h(
        "dt",
        {},
        keys.split(", ").map((one) => h("kbd", {}, one)),
      ),
      h("dd", {}, t(`help.${key}`)),
    ]);
    byId("help-content").replaceChildren(h("p", {}, t("help.intro")), h("dl.keys", {}, rows));
    const opener = document.activeElement;
    // "close" comes late: the keyboard may be elsewhere by then.
    const giveBack = () => document.activeElement === document.body && opener.focus();
    dialog.addEventListener("close", giveBack, { once: true });
    dialog.showModal();
  };
  byId("help").addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    const isTyping = ["INPUT", "TEXTAREA", "SELECT"].includes(event.target.tagName);
    if (event.key === "?" && !isTyping && !document.querySelector("dialog[open]")) open();
  });
}

async function start() {
  setLanguage(document.documentElement.lang);
  try {
    app.info = await ask("info");
    learnNames(app.info.schema);
  } catch (error) {
    for (const tab of TABS) showProblem(byId(tab), error, start);
    return;
  }
  for (const tab of TABS) byId(tab).replaceChildren();
  await openTab(app.info.graph ? "explore" : "extract");
}

wireTabs();
wireTools();
wireToken();
wireHelp();
start();
