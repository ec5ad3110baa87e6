/** The extract tab: paste text or drop a file, see its mentions and relations. Nothing is stored. */

import { ask, request, wasAborted } from "./api.js";
import { h } from "./dom.js";
import { number, t, translate } from "./i18n.js";
import { showResult } from "./result.js";
import { codePoints } from "./text.js";

const SKELETON_AFTER = 150; // milliseconds; a quick answer needs no skeleton
const EXAMPLE =
  "患者女，58岁，2型糖尿病病史10年，口服二甲双胍0.5g，每日三次，血糖控制不佳。否认高血压病史。\n" +
  "入院查糖化血红蛋白9.2%，尿微量白蛋白升高，考虑早期糖尿病肾病，加用达格列净10mg，每日一次。";

// Kinds of files that browsers do not always know.
const KINDS = {
  txt: "text/plain",
  html: "text/html",
  htm: "text/html",
  xml: "application/xml",
  pdf: "application/pdf",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
};

/** Fill the panel of the tab. */
export function mount(panel, app) {
  const tab = { panel, app, running: null, redraw: () => {}, ...form() };
  panel.append(tab.form, tab.output);
  translate(panel);
  empty(tab);
  listen(tab);
  document.addEventListener("suwen:language", () => {
    count(tab);
    tab.redraw();
  });
  count(tab);
  return {};
}

function form() {
  // Spelling is not checked: some browsers send the text away for that. Browsers do not restore the text later.
  const text = h("textarea", {
    id: "extract-text",
    rows: 6,
    lang: "zh-Hans",
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "extract-count extract-problem",
    "data-t-placeholder": "extract.placeholder",
  });
  const file = h("input.visually-hidden", { type: "file", id: "extract-file", accept: Object.keys(KINDS).map((ending) => `.${ending}`).join() });
  const relations = h("input", { type: "checkbox", id: "extract-relations", checked: true });
  const assertion = h("input", { type: "checkbox", id: "extract-assertion", checked: true });
  const counter = h("span.quiet.number", { id: "extract-count" });
  const problem = h("p.problem", { id: "extract-problem" });
  const cancel = h("button", { type: "button", hidden: true, "data-t": "page.cancel" });
  return {
    form: h("form.extract-form", {},
      h("label.extract-label", { for: text.id, "data-t": "extract.label" }),
      text,
      problem,
      h("div.extract-tools", {},
        counter,
        h("label.button", { for: file.id }, file, h("span", { "data-t": "extract.file" })),
        h("label", {}, relations, h("span", { "data-t": "extract.relations" })),
        h("label", {}, assertion, h("span", { "data-t": "extract.assertions" })),
        h("span.space"),
        cancel,
        h("button.primary", { type: "submit", "aria-keyshortcuts": "Control+Enter", "data-t": "extract.run" }),
      ),
    ),
    output: h("div.extract-output"),
    text,
    file,
    relations,
    assertion,
    counter,
    problem,
    cancel,
  };
}

function listen(tab) {
  tab.form.addEventListener("submit", (event) => {
    event.preventDefault();
    extractText(tab);
  });
  tab.text.addEventListener("input", () => count(tab));
  tab.text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    extractText(tab);
  });
  tab.file.addEventListener("change", () => {
    if (tab.file.files.length) extractFile(tab, tab.file.files[0]);
    tab.file.value = ""; // so that the same file can be chosen again
  });
  tab.cancel.addEventListener("click", () => cancel(tab));
  tab.panel.addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && tab.running) cancel(tab);
  });
  const holdsFiles = (event) => event.dataTransfer.types.includes("Files");
  tab.panel.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    tab.panel.classList.add("dropping");
  });
  tab.panel.addEventListener("dragleave", () => tab.panel.classList.remove("dropping"));
  tab.panel.addEventListener("drop", (event) => {
    tab.panel.classList.remove("dropping");
    if (!holdsFiles(event)) return;
    event.preventDefault();
    extractFile(tab, event.dataTransfer.files[0]);
  });
}

/** Show how long the text is, and whether it is too long. Return the problem, or an empty text. */
function count(tab) {
  const most = tab.app.info.limits.characters;
  const found = codePoints(tab.text.value);
  tab.counter.textContent = t("extract.count", { n: found, most });
  const problem = found > most ? t("extract.long", { n: found - most, most }) : "";
  refuse(tab, problem);
  return problem;
}

/** Say beside the text why it cannot be extracted from; an empty sentence takes that back. */
function refuse(tab, sentence) {
  tab.problem.textContent = sentence;
  if (sentence) tab.text.setAttribute("aria-invalid", "true");
  else tab.text.removeAttribute("aria-invalid");
}

function extractText(tab) {
  const text = tab.text.value;
  const problem = count(tab) || (text.trim() ? "" : t("extract.empty"));
  if (problem) {
    refuse(tab, problem);
    tab.app.announce(problem);
    tab.text.focus();
    return;
  }
  const body = { text, relations: tab.relations.checked, assertion: tab.assertion.checked };
  run(tab, async (signal) => [{ id: "text", text, ...(await ask("extract", { body, signal })) }], () => extractText(tab));
}

function extractFile(tab, file) {
  const most = tab.app.info.limits.file_bytes;
  if (file.size > most) {
    refuse(tab, t("extract.large", { name: file.name, size: megabytes(file.size), most: megabytes(most) }));
    tab.app.announce(tab.problem.textContent);
    return;
  }
  count(tab);
  const options = [tab.relations.checked && "relations", tab.assertion.checked && "assertion"].filter(Boolean);
  const headers = {
    "Content-Type": KINDS[file.name.split(".").at(-1).toLowerCase()] ?? (file.type || "application/octet-stream"),
    "X-Suwen-Filename": encodeURIComponent(file.name),
    "X-Suwen-Options": options.join(),
  };
  run(tab, async (signal) => {
    const answer = await request("extract/file", { raw: file, headers, signal });
    return (await answer.json()).documents;
  }, () => extractFile(tab, file));
}

function megabytes(bytes) {
  return number(Math.ceil(bytes / 1e5) / 10);
}

/** Ask the server by `send` and show its answer; an earlier request is given up. */
async function run(tab, send, retry) {
  tab.running?.abort();
  const mine = new AbortController();
  const withRelations = tab.relations.checked;
  tab.running = mine;
  tab.cancel.hidden = false;
  const skeleton = setTimeout(() => wait(tab), SKELETON_AFTER);
  try {
    const documents = await send(mine.signal);
    if (tab.running === mine) showDocuments(tab, documents, withRelations);
  } catch (error) {
    if (tab.running !== mine) return;
    if (wasAborted(error)) empty(tab);
    else problem(tab, error, retry);
  } finally {
    clearTimeout(skeleton);
    if (tab.running === mine) stop(tab);
  }
}

function stop(tab) {
  const focused = document.activeElement === tab.cancel;
  tab.running = null;
  tab.cancel.hidden = true;
  tab.output.removeAttribute("aria-busy");
  if (focused) tab.text.focus();
}

function cancel(tab) {
  tab.running?.abort();
  tab.app.announce(t("extract.canceled"));
}

function fill(tab, redraw) {
  tab.redraw = redraw;
  redraw();
}

function empty(tab) {
  const example = () => {
    tab.text.value = EXAMPLE;
    extractText(tab);
  };
  fill(tab, () => tab.output.replaceChildren(h("div.message", {},
    h("p", {}, t("extract.start")),
    h("button", { type: "button", onclick: example }, t("extract.example")),
  )));
}

function wait(tab) {
  tab.output.setAttribute("aria-busy", "true");
  tab.app.announce(t("extract.running"));
  fill(tab, () => tab.output.replaceChildren(
    h("p.quiet", {}, t("extract.running")),
    ...[1, 2, 3].map((line) => h(`div.skeleton.line${line}`)),
  ));
}

function problem(tab, error, retry) {
  tab.redraw = () => {};
  tab.app.showProblem(tab.output, error, retry);
}

/** Show the first document of an answer, with a choice where a file holds several. */
function showDocuments(tab, documents, withRelations) {
  const heading = h("h2");
  const root = h("div");
  const choice = h("select", { id: "extract-document" }, documents.map(({ id, title }, index) => h("option", { value: index }, title || id)));
  const label = h("label", { for: choice.id });
  let shown;
  const say = () => {
    heading.textContent = shown.summary();
    label.textContent = t("extract.document", { n: documents.length });
  };
  const open = () => {
    const { id, text, ...extraction } = documents[Number(choice.value)];
    shown = showResult(root, { id, text, extraction, withRelations }, tab.app);
    say();
    tab.app.announce(heading.textContent);
  };
  choice.addEventListener("change", open);
  open();
  const several = documents.length > 1 ? h("p.documents", {}, label, choice) : null;
  tab.output.replaceChildren(h("div.result", {}, heading, several, root));
  tab.redraw = () => {
    say();
    shown.draw();
  };
  tab.output.scrollIntoView({ block: "nearest" });
}
