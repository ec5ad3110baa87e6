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
