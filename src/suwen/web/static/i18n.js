/** All texts of the page, in Chinese and English, and the language in use. */

// key: [Chinese, English] or [Chinese, English for n = 1, English for other n]; {name} is a value of the caller.
const STRINGS = {
  // The page
  "page.title": ["素问 · 医学文献知识图谱", "suwen · knowledge graph of medical literature"],
  "page.name": ["素问", "suwen"],
  "page.skip": ["跳到正文", "Skip to content"],
  "page.tabs": ["视图", "Views"],
  "page.explore": ["图谱", "Graph"],
  "page.extract": ["抽取", "Extract"],
  "page.language": ["Switch to English", "切换到中文"],
  "page.language.short": ["EN", "中"],
  "page.theme.dark": ["切换到深色", "Use dark colors"],
  "page.theme.light": ["切换到浅色", "Use light colors"],
  "page.help": ["键盘与帮助", "Keyboard and help"],
  "page.close": ["关闭", "Close"],
  "page.cancel": ["取消", "Cancel"],
  "page.loading": ["正在载入……", "Loading…"],
  "page.retry": ["重试", "Try again"],
  "page.copied": ["已复制。", "Copied."],
  "page.notCopied": ["浏览器不允许复制。请手动选择文字复制。", "The browser refused to copy. Select the text and copy it by hand."],
  "page.saved": ["已下载 {name}。", "Saved {name}."],

  // The token of the server
  "token.title": ["需要访问令牌", "Access token needed"],
  "token.text": [
    "此服务器需要令牌，请向管理员索取。令牌只保存在本浏览器标签页中，关闭即清除。",
    "This server needs a token; ask its administrator. It is kept in this browser tab only and forgotten when you close it.",
  ],
  "token.label": ["令牌", "Token"],
  "token.wrong": ["令牌不正确，请重新输入。", "This token is not right. Enter it again."],
  "token.send": ["继续", "Continue"],

  // Errors: what is wrong, and what to do
  "error.offline": [
    "无法连接服务器。请确认 suwen serve 正在运行，然后重试。",
    "The server cannot be reached. Check that suwen serve is running, then try again.",
  ],
  "error.busy": ["服务器繁忙。请等待 {n} 秒后重试。", "The server is busy. Try again in {n} second.", "The server is busy. Try again in {n} seconds."],
  "error.timeout": [
    "处理超时。请缩短文本或减少筛选范围后重试。",
    "The request took too long. Try again with a shorter text or fewer filters.",
  ],
  "error.token": ["没有有效的令牌。请重新载入页面并输入令牌。", "There is no valid token. Reload the page and enter one."],
  "error.large": ["内容超过服务器的上限。请分成几部分处理。", "This is more than the server accepts. Split it into parts."],
  "error.changed": ["图谱已更新。请重新载入当前视图。", "The graph has changed. Load this view again."],
  "error.missing": ["图谱中已没有此内容，可能已被更新。请重新检索。", "The graph no longer has this; it may have been rebuilt. Search again."],
  "error.refused": ["服务器拒绝了请求：{detail}", "The server refused the request: {detail}"],
  "error.server": [
    "服务器出错（编号 {id}）。请重试；若再次出错，请把编号告诉管理员。",
    "The server failed (id {id}). Try again; if it fails again, tell the administrator this id.",
  ],
  "error.page": ["页面出错：{detail}。请重新载入页面。", "The page failed: {detail}. Reload it."],

  // The extract tab
  "extract.label": ["医学文本", "Medical text"],
  "extract.placeholder": ["在此粘贴文本，或将文件拖到此处。", "Paste a Chinese text here, or drop a file."],
  "extract.count": ["{n} / {most} 字", "{n} of {most} characters", "{n} of {most} characters"],
  "extract.file": ["选择文件……", "Choose a file…"],
  "extract.relations": ["关系", "Relations"],
  "extract.assertions": ["否定与推测", "Negation and hypothesis"],
  "extract.run": ["抽取", "Extract"],
  "extract.start": [
    "粘贴文本或选择文件，然后按“抽取”。文本不会被保存。",
    "Paste a text or choose a file, then press Extract. Nothing is stored.",
  ],
  "extract.example": ["试用示例", "Try an example"],
  "extract.empty": ["还没有文本。请粘贴文本或选择文件。", "There is no text yet. Paste a text or choose a file."],
  "extract.long": [
    "文本超出 {n} 字，上限为 {most} 字。请缩短文本或分段处理。",
    "The text is {n} character longer than the limit of {most}. Shorten it or split it.",
    "The text is {n} characters longer than the limit of {most}. Shorten it or split it.",
  ],
  "extract.large": [
    "{name} 有 {size} MB，上限为 {most} MB。请分成几个文件，或使用命令 suwen extract。",
    "{name} has {size} MB; the limit is {most} MB. Split it, or use the command suwen extract.",
  ],
  "extract.running": ["正在抽取……按 Esc 取消。", "Extracting… Press Esc to cancel."],
  "extract.canceled": ["已取消。", "Canceled."],
  "extract.nothing": [
    "没有找到实体。请换一段中文医学文本，或在命令行使用其他模型。",
    "No mentions were found. Try another Chinese medical text, or start the server with another model.",
  ],
  "extract.hidden": [
    "{n} 个实体的置信度都低于所选值。请调低置信度。",
    "The {n} mention is below this confidence. Lower the confidence.",
    "All {n} mentions are below this confidence. Lower the confidence.",
  ],
  "extract.mentions": ["{n} 个实体", "{n} mention", "{n} mentions"],
  "extract.relations.count": ["{n} 个关系", "{n} relation", "{n} relations"],
  "extract.relations.none": ["没有找到关系。", "No relations were found."],
  "extract.document": ["文件中有 {n} 篇文档：", "Document (of {n}):", "Document (of {n}):"],
  "extract.least": ["置信度不低于", "Confidence at least"],
  "extract.copy": ["复制为 {kind}", "Copy as {kind}"],
  "extract.text": ["标注了实体的文本", "Text with its mentions"],
  "extract.legend": ["类型与数量", "Types and counts"],
  "extract.card": ["所选实体", "Chosen mention"],
  "extract.point": [
    "将指针移到实体上，或用 Tab 键和方向键选择实体，即可查看详情。",
    "Point at a mention, or choose one with Tab and the arrow keys, to see its details.",
  ],
  "extract.type": ["类型", "Type"],
  "extract.confidence": ["置信度", "Confidence"],
  "extract.score": ["置信度 {score}", "confidence {score}"],
  "extract.assertion": ["断言", "Assertion"],
  "extract.affirmed": ["肯定", "affirmed"],
  "extract.negated": ["否定", "negated"],
  "extract.hypothetical": ["推测", "hypothetical"],
  "extract.cue": ["{polarity}（线索词“{cue}”）", "{polarity} (cue: {cue})"],
  "extract.place": ["位置", "Place"],
  "extract.span": ["第 {start}–{end} 字", "characters {start} to {end}"],
  "extract.find": ["在图谱中查看", "View in graph"],
  "extract.comma": ["，", ", "],
};

const placeholders = /\{(\w+)\}/g;

/** Tell whether the page is in Chinese. */
export function isChinese() {
  return document.documentElement.lang.startsWith("zh");
}

/**
 * Return a text in the language of the page.
 *
 * @param {string} key
 * @param {Object} values for the placeholders; numbers are written with separators, and `n` chooses the English plural
 */
export function t(key, values = {}) {
  const [chinese, english, plural = english] = STRINGS[key];
  const text = isChinese() ? chinese : values.n === 1 ? english : plural;
  return text.replace(placeholders, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name]));
}

/** Tell whether there is a text of that name. */
export function hasText(key) {
  return key in STRINGS;
}

/** Write a number with separators. */
export function number(value) {
  return value.toLocaleString(isChinese() ? "zh-CN" : "en-US");
}

/** Put the texts that elements name in `data-t…` attributes: content, label, placeholder and title. */
export function translate(root) {
  const put = { t: "textContent", tLabel: "ariaLabel", tPlaceholder: "placeholder", tTitle: "title" };
  for (const element of root.querySelectorAll("[data-t], [data-t-label], [data-t-placeholder], [data-t-title]")) {
    for (const [name, property] of Object.entries(put)) {
      if (element.dataset[name]) element[property] = t(element.dataset[name]);
    }
  }
}

/** Change the language of the page; "suwen:language" on the document tells views to draw their texts again. */
export function setLanguage(language) {
  document.documentElement.lang = language;
  document.title = t("page.title");
  translate(document);
  document.dispatchEvent(new Event("suwen:language"));
}
