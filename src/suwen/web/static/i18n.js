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
  "error.kind": [
    "无法读取这种文件。请使用文本、网页、PDF、Word（docx）或 JATS 文件。",
    "This kind of file is not read. Use plain text, a web page, PDF, Word (docx) or JATS.",
  ],
  "error.scan": [
    "文件中没有文字，可能是扫描件。请先做文字识别（OCR）。",
    "The file holds no text; it may be a scan. Run OCR on it first.",
  ],
  "error.encrypted": ["文件有密码。请另存为没有密码的文件。", "The file has a password. Save it without one."],
  "error.damaged": [
    "无法读取此文件（{code}）。请用原来的软件打开并重新保存，或直接粘贴文字。",
    "The file cannot be read ({code}). Open it in the program that made it and save it again, or paste its text.",
  ],
  "error.changed": ["图谱已更新。请重新载入当前视图。", "The graph has changed. Load this view again."],
  "error.missing": ["图谱中已没有此内容，可能已被更新。请重新检索。", "The graph no longer has this; it may have been rebuilt. Search again."],
  "error.refused": ["服务器拒绝了请求：{detail}", "The server refused the request: {detail}"],
  "error.server": [
    "服务器出错（编号 {id}）。请重试；若再次出错，请把编号告诉管理员。",
    "The server failed (id {id}). Try again; if it fails again, tell the administrator this id.",
  ],
  "error.page": ["页面出错：{detail}。请重新载入页面。", "The page failed: {detail}. Reload it."],

  // Figures
  "count.documents": ["{n} 篇", "{n} document", "{n} documents"],
  "count.sentences": ["{n} 句", "{n} sentence", "{n} sentences"],
  "count.mentions": ["{n} 次提及", "{n} mention", "{n} mentions"],

  // Search
  "search.label": ["检索概念", "Search concepts"],
  "search.placeholder": ["检索疾病、药品、检查……（按 / 键）", "Search diseases, drugs, tests… (press /)"],
  "search.short": ["输入名称、缩写或编码", "Name, abbreviation or code"],
  "search.slow": ["正在检索……", "Searching…"],
  "search.none": ["没有名称包含“{query}”的概念。请缩短检索词，或换一种写法。", "No concept has a name with “{query}”. Try fewer characters or another spelling."],
  "search.count": ["{n} 个概念，用上下方向键选择。", "{n} concept. Choose with the arrow keys.", "{n} concepts. Choose with the arrow keys."],
  "search.many": ["前 {n} 个概念，用上下方向键选择。", "The first {n} concepts. Choose with the arrow keys."],
  "search.more": ["显示更多……", "Show more…"],
  "search.added": ["又显示 {n} 个。", "{n} more shown."],
  "search.matched": ["又名 {alias}", "also {alias}"],

  // The start page
  "start.title": ["从一个概念开始", "Start with a concept"],
  "start.text": [
    "检索一个概念，图谱会显示与它有关的概念；点击连线，可看到支持这条关系的每一句原文。",
    "Search a concept to see what it is related to. Click a line to read every sentence that states the relation.",
  ],
  "start.documents": ["文献", "Documents"],
  "start.concepts": ["概念", "Concepts"],
  "start.edges": ["关系", "Relations"],
  "start.evidence": ["证据", "Evidence"],
  "start.figure": ["{n}", "{n}"],
  "start.offer": ["文献最多的概念", "Concepts in most documents"],
  "start.noGraph": [
    "没有图谱。请用 suwen graph build 建立图谱，再运行 suwen serve 图谱文件。“抽取”页仍可使用。",
    "There is no graph. Build one with suwen graph build, then run suwen serve with its file. The tab “Extract” works without it.",
  ],

  // The graph
  "graph.more": ["还有 {n} 个", "{n} more"],
  "graph.moreLabel": ["{relation}：还有 {n} 个，按回车再显示 8 个", "{relation}: {n} more; Enter shows 8 of them"],
  "graph.nodeLabel": ["{name}，{type}，{n} 篇", "{name}, {type}, {n} document", "{name}, {type}, {n} documents"],
  "graph.focusLabel": ["中心：{name}，{type}，{n} 篇", "In the middle: {name}, {type}, {n} document", "In the middle: {name}, {type}, {n} documents"],
  "graph.edge": ["{relation} · {n} 篇 · {confidence}", "{relation} · {n} document · {confidence}", "{relation} · {n} documents · {confidence}"],
  "graph.edgeLabel": ["{head} 到 {tail}，{relation}，{n} 篇 {sentences} 句", "{head} to {tail}, {relation}, documents: {n}, sentences: {sentences}"],
  "graph.negated": ["否定 {n} 句", "negated {n} times"],
  "graph.hypothetical": ["推测 {n} 句", "hypothetical {n} times"],
  "graph.summary": ["{name}：显示 {shown} 条，共 {n} 条关系", "{name}: {shown} of {n} relation shown", "{name}: {shown} of {n} relations shown"],
  "graph.added": ["新显示 {n} 个概念。", "{n} concept added.", "{n} concepts added."],
  "graph.left": ["最多显示 {most} 个，最早的 {n} 个已移出。", "At most {most} are shown; the oldest one left.", "At most {most} are shown; the oldest {n} left."],
  "graph.hidden": ["已隐藏。", "Hidden."],
  "graph.alone": ["此概念没有关系。请检索其他概念。", "This concept has no relations. Search another one."],
  "graph.filtered": ["没有符合筛选条件的关系。请放宽筛选。", "No relation passes the filters. Loosen them."],
  "graph.keys": [
    "方向键移动，回车打开，E 展开，C 设为中心，H 隐藏，F 适应窗口，T 切换表格，? 帮助。",
    "Arrow keys move, Enter opens, E expands, C centers, H hides, F fits, T shows the table, ? shows help.",
  ],

  // Tools
  "view.tools": ["图谱工具", "Tools of the graph"],
  "view.choice": ["显示方式", "Show as"],
  "view.graph": ["图", "Graph"],
  "view.table": ["表", "Table"],
  "view.graph.shown": ["图。", "Graph."],
  "view.table.shown": ["表。", "Table."],
  "view.in": ["+", "+"],
  "view.out": ["−", "−"],
  "view.inLabel": ["放大", "Zoom in"],
  "view.outLabel": ["缩小", "Zoom out"],
  "view.fit": ["适应窗口", "Fit"],
  "save.title": ["导出", "Export"],
  "save.svg": ["图片 SVG", "Picture, SVG"],
  "save.png": ["图片 PNG", "Picture, PNG"],
  "save.csv": ["表格 CSV", "Table, CSV"],
  "save.json": ["Cytoscape JSON", "Cytoscape JSON"],
  "link.copy": ["复制链接", "Copy link"],
  "link.copied": ["链接已复制，打开后即恢复当前视图。", "Link copied. It restores this view."],
  "link.partly": ["链接已复制，但视图过大，部分位置未包括。", "Link copied. The view is too large for it: some places are left out."],

  // The table
  "table.name": ["所示关系", "Relations shown"],
  "table.relation": ["关系", "Relation"],
  "table.head": ["起点", "From"],
  "table.tail": ["终点", "To"],
  "table.documents": ["篇", "Documents"],
  "table.sentences": ["句", "Sentences"],
  "table.negated": ["否定", "Negated"],
  "table.hypothetical": ["推测", "Hypothetical"],
  "table.confidence": ["置信度", "Confidence"],
  "table.years": ["年份", "Years"],
  "table.evidence": ["原文", "Sentences"],
  "table.open": ["{head} 到 {tail} 的原文", "Sentences of {head} to {tail}"],
  "table.more": ["{relation}：再显示 8 个（还有 {n} 个）", "{relation}: show 8 more of {n}"],

  // Filters
  "filter.title": ["筛选", "Filters"],
  "filter.relations": ["关系类型", "Relation types"],
  "filter.types": ["实体类型", "Entity types"],
  "filter.confidence": ["置信度不低于", "Confidence at least"],
  "filter.years": ["年份", "Years"],
  "filter.since": ["起始年份", "From year"],
  "filter.until": ["截止年份", "To year"],
  "filter.assertion": ["否定与推测", "Negated and hypothetical"],
  "filter.assertion.with": ["包括", "included"],
  "filter.assertion.without": ["不包括", "left out"],
  "filter.assertion.only": ["仅否定或推测", "only these"],
  "filter.reviewed": ["人工审核", "Review"],
  "filter.reviewed.all": ["全部", "all"],
  "filter.reviewed.accepted": ["有已接受的证据", "with accepted evidence"],
  "filter.reviewed.rejected": ["有已拒绝的证据", "with rejected evidence"],
  "filter.reviewed.unreviewed": ["未审核", "not reviewed"],
  "filter.order": ["排序", "Ranking"],
  "filter.order.rank": ["综合（篇数 × 置信度 × 提升度）", "documents × confidence × lift"],
  "filter.order.documents": ["篇数", "documents"],
  "filter.order.confidence": ["置信度", "confidence"],
  "filter.reset": ["清除筛选", "Clear filters"],

  // The drawer: a concept
  "drawer.name": ["详情", "Details"],
  "drawer.back": ["← 返回原文列表", "← Back to the sentences"],
  "card.center": ["以此为中心", "Center"],
  "card.expand": ["展开", "Expand"],
  "card.hide": ["隐藏", "Hide"],
  "card.path": ["查找路径", "Find a path…"],
  "card.codes": ["编码", "Codes"],
  "card.names": ["名称及合并理由", "Names, and why they are merged"],
  "card.moreNames": ["还有 {n} 个名称", "{n} more name", "{n} more names"],
  "card.others": ["同名的其他概念", "Other concepts of this name"],
  "card.edges": ["所示关系（点击看原文）", "Relations shown (click for the sentences)"],
  "card.why": ["{reason}（{source}）", "{reason} ({source})"],
  "reason.abbreviation": ["缩写", "abbreviation"],
  "reason.alias list": ["别名表", "alias list"],
  "reason.terminology": ["术语表", "terminology"],
  "reason.width": ["全角半角", "full or half width"],
  "reason.look-alike": ["形近字符", "look-alike character"],
  "reason.hyphen": ["连字符", "hyphen"],
  "reason.numeral": ["数字写法", "numeral"],
  "reason.space": ["空格", "space"],
  "reason.punctuation": ["标点", "punctuation"],
  "reason.spelling": ["异体写法", "spelling"],
  "reason.case": ["大小写", "case"],
  "reason.merge": ["人工合并", "merged by hand"],

  // The drawer: evidence
  "evidence.title": ["{head} 到 {tail} 的原文", "Sentences of {head} to {tail}"],
  "evidence.confidence": ["置信度 {value}", "confidence {value}"],
  "evidence.negated": ["否定 {n}", "{n} negated"],
  "evidence.hypothetical": ["推测 {n}", "{n} hypothetical"],
  "evidence.accepted": ["已接受 {n}", "{n} accepted"],
  "evidence.rejected": ["已拒绝 {n}", "{n} rejected"],
  "evidence.search": ["在原文和标题中查找", "Search sentences and titles"],
  "evidence.order": ["排序", "Sort"],
  "evidence.newest": ["最新", "Newest"],
  "evidence.confident": ["置信度", "Most confident"],
  "evidence.save": ["导出 TSV", "Save TSV"],
  "evidence.found": ["{n} 句符合。", "{n} sentence found.", "{n} sentences found."],
  "evidence.nothing": ["没有符合的原文。请缩短查找词。", "No sentence matches. Try fewer characters."],
  "evidence.none": ["所选年份没有原文。请放宽年份。", "There is no sentence in these years. Widen them."],
  "evidence.more": ["再载入 50 句（还有 {n} 句）", "Load 50 more of {n}"],
  "evidence.moreUnknown": ["再载入 50 句", "Load 50 more"],
  "evidence.document": ["打开原文", "Open document"],
  "evidence.copy": ["复制引用", "Copy citation"],
  "evidence.citation": ["“{text}”——{title}（{year}），{key}", "“{text}” — {title} ({year}), {key}"],
  "evidence.place": ["第 {n} 句，共 {all} 句", "Sentence {n} of {all}"],
  "polarity.negated": ["否定", "negated"],
  "polarity.hypothetical": ["推测", "hypothetical"],
  "verdict.accept": ["✓ 接受", "✓ Accept"],
  "verdict.reject": ["✗ 拒绝", "✗ Reject"],
  "verdict.accept.done": ["已接受。", "Accepted."],
  "verdict.reject.done": ["已拒绝，此证据不再计入。请选择错误类型。", "Rejected; it no longer counts. Choose the kind of error."],
  "verdict.none.done": ["已撤销。", "Taken back."],
  "verdict.kind": ["错误类型", "Kind of error"],
  "verdict.kind.none": ["未注明", "not given"],
  "verdict.kind.entity": ["不是实体", "not an entity"],
  "verdict.kind.boundary": ["实体边界", "boundary of an entity"],
  "verdict.kind.concept": ["概念归并", "wrong concept"],
  "verdict.kind.relation": ["没有此关系", "no such relation"],
  "verdict.kind.direction": ["方向", "direction"],
  "verdict.kind.polarity": ["否定或推测", "negation or hypothesis"],
  "verdict.kind.other": ["其他", "other"],

  // Paths
  "path.open": ["路径", "Path…"],
  "path.title": ["两个概念之间的路径", "Path between two concepts"],
  "path.from": ["从", "From"],
  "path.to": ["到", "To"],
  "path.find": ["查找", "Find"],
  "path.incomplete": ["请从列表中选择两个概念。", "Choose both concepts from the lists."],
  "path.same": ["两个概念相同。请选择另一个。", "Both concepts are the same. Choose another one."],
  "path.none": ["两个概念之间没有 6 步以内的路径。请选择其他概念。", "There is no path of at most 6 steps. Choose other concepts."],
  "path.summary": ["最短路径：{nodes} 个概念，{n} 步", "Shortest path: {nodes} concepts, {n} step", "Shortest path: {nodes} concepts, {n} steps"],

  // Help
  "help.intro": [
    "圆形、方形、菱形和五种颜色表示实体类型，字是类型的代码。线越粗，文献越多；线越淡，置信度越低；虚线表示推测；红色部分表示被否定的比例。",
    "Shape and color show the entity type, and the letters are its code. Thicker lines have more documents, fainter ones less confidence; dashed lines are hypothetical; the red part is the negated share.",
  ],
  "help.search": ["检索", "Search"],
  "help.arrows": ["移到该方向最近的概念或连线", "Move to the nearest concept or line in that direction"],
  "help.enter": ["打开卡片或原文；“还有 n 个”则再显示 8 个", "Open the card or the sentences; on “n more”, show 8 more"],
  "help.expand": ["展开概念", "Expand the concept"],
  "help.center": ["设为中心", "Put the concept into the middle"],
  "help.hide": ["隐藏概念", "Hide the concept"],
  "help.fit": ["适应窗口", "Fit into the window"],
  "help.zoom": ["放大、缩小", "Zoom in, zoom out"],
  "help.pan": ["移动画面", "Move the picture"],
  "help.table": ["图与表切换", "Graph or table"],
  "help.evidence": ["上一句、下一句", "Previous, next sentence"],
  "help.extract": ["抽取页：抽取；方向键在实体之间移动，Esc 取消", "Extract tab: extract; arrow keys move between mentions, Esc cancels"],
  "help.escape": ["关闭面板；再按一次回到检索框", "Close the panel; again: go to the search box"],
  "help.help": ["本帮助", "This help"],

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
  "extract.code": ["编码", "Code"],
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
