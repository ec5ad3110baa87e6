"""The words that negate a finding or leave it open, those that only look so, and those that end a scope.

Patterns are regular expressions over one sentence in which the characters of mentions are replaced by `MENTION`: the
无 in 无痛性甲状腺炎 is part of a term and no cue. Longer alternatives stand first.
"""

from __future__ import annotations

import re

__all__ = [
    "ACT_CUES",
    "AIM_GOES_ON",
    "AS_CONDITION",
    "BACKWARD_ONLY",
    "CHANGE",
    "CONDITION",
    "CRITERIA",
    "CRITERIA_END",
    "CUES",
    "DEGREES",
    "EVENT_CUES",
    "FILLER",
    "INNER_NEGATION",
    "LIST_CUES",
    "MENTION",
    "MIDDLE_NEGATION",
    "NEGATIVE",
    "NOT_DONE",
    "NOT_FOR",
    "OPEN_RELATION",
    "PSEUDO",
    "QUESTION",
    "RELATED",
    "RESUMES",
    "STOPS_HYPOTHESIS",
    "STOPS_LIST",
    "TAIL",
    "TERMINATOR",
    "UNCLEAR",
    "UNKNOWN_CAUSE",
]

MENTION = "\ufffc"

_DEGREE = (
    "(?:明显|显著|明确|统计学|任何|相应|进一步|直接|独立|实质性|有意义|具有|呈|的|性|上|地|再|"
    "发现|观察到|见到?|有|存在)"
)
CHANGE = (
    "(?:变化|改变|差异|差别|区别|不同|影响|相关|关联|关系|联系|改善|缓解|好转|减轻|加重|恶化|进展|进步|作用|效果|疗效|意义|交互作用|"
    "增多|增加|减少|增高|升高|降低|下降|延长|缩短|优势|获益|优于|劣于|特异)"
)
"""Words whose denial leaves the mentions affirmed: a change, a difference, a correlation, an effect."""

PSEUDO = re.compile(
    rf"""
      (?:无|没有|未|不){_DEGREE}{{0,4}}{CHANGE}(?!{MENTION})
    | (?:无|未见|未发现|没有){_DEGREE}{{0,3}}(?:诱因|原因)
    | (?:未能?|不能?|不会|并未|并不|未再|未进一步)(?:有效|显著|明显|完全|直接|进一步)*
      (?:降低|减少|增加|升高|改善|影响|改变|延长|缩短|提高|缓解|减轻|加重|控制|达标|优于|劣于|高于|低于|逆转|阻止|延缓)
    | 不仅|不但|不只|不单|不同|不足|不良|不全|不佳|不适|不典型|不稳定?|不明原因|不论|不管|无论|不断|不少|不等
    | 不一(?!定)|不超过
    | 不[低高大小多]于|不规[律则范]|未规[律范]|未正规|未按时|未系统|无规律|未坚持|未严格|间断未|未回报|未来
    | 未分化|未成年|未婚|未知|未满
    | 未经?治疗|未愈|未及时|未达|未得到|未被察觉|无症状|无感知|无意识|无创|无菌|无糖|无痛|无效|无关
    | 无法(?!.{{0,2}}(?:排除|除外))|无需|无须|不可避免|不可逆
    | 不可或缺|不可忽视|不容忽视|不可否认|不能否认|不否认|否认漏|不无|无不|无一不|不能不|不得不
    | (?:不是|并非|并不是)没有|并非(?:所有|都|全部|全)
    | 不耐受|不平衡|不协调|不齐|不清(?!楚)|不安|不振|不畅|不宁|不寐|不愿|不愈|不孕|不育|不当|不利|不力|不便
    | 不易|不必|不再[服使]用
    | 非常|非但|莫非|是非|无机|无功|无力|无尿|无意|无数|无人|无氧|无限|无偿|无瘤|无进展|无事件|无[A-Za-z]
    | 除(?!外|非)[^，,。；]{{1,16}}?(?:之外|以外|外)|排除率|排除法
    | 例如|比如|诸如|譬如|犹如|如下|如何|如图|如表|如前|如上|如此|如期|如实|不如|如同|正如|若干|宛如|如常
    | 尽可能|可能(?=多|早|快)|待查|不待|模拟|虚拟|类似|疑难|质疑|无疑|毋庸置疑|考虑到|综合考虑|深思|建议书
    | 风险因素|危险因素|风险因子|危险因子
    | 级[\s,，、(（]*[极很]?高危|[(（][极很]高危
    | 预防性|防止性|高危型|高危因素|高危因子|值得(?:进一步)?探讨|进行探讨|评估了|评价了|探讨了
    """,
    re.VERBOSE,
)

_NEGATED_VERB = (
    "(?:合并|并发|伴随|伴有|伴发|伴|发现|发生|出现|观察到|观测到|检测到|检出|检测|检查|监测|复查|筛查|测定|测量|测|查|查见|见到|见|"
    "使用|服用|应用|采用|接受|给予|给药|口服|注射|静脉|接种|植入|切除|进行|实施|施行|行|做|予|用|诉|述|患有|患|遗留|提示|显示|示|闻及|"
    "触及|扪及|引出|累及|引起|导致|造成|诱发|形成|存在|符合|达到|满足|诊断为?|确诊为?|报告|报道|表现出?|感到?|感觉到?|有|考虑|支持|"
    "包括|包含|含|成立|除外|主张|推荐|建议|服|开始|启用|加用|联用|合用|联合|起始|获得|产生|继发|探及|查及|及(?!时))"
)
_NEGATION = rf"""
      (?:不宜|不应|不能|不可|不|禁止|禁|忌|不推荐|不建议|不主张|不适合|不适宜|不适|未被?批准)用于
    | 没有(?:发现|显示|提示|观察到|观测到|检测到|出现|发生|见到|使用|接受|服用|合并|采用|进行)?|否认|并非|而非
    | 决非|绝非|排除(?!标准|条件|指标)|剔除(?!标准|条件)|除外(?!标准|条件)|禁用|禁止(?:使用|服用)?|忌用
    | 避免(?:同时|长期|联合|合并)?(?:使用|应用|服用|选用)|拒绝(?:使用|接受|行|服用)?
    | 未(?:再次|再|曾|予以?|能|经|进一步|常规|主动|明确|同时)*{_NEGATED_VERB}过?
    | 不(?:应|宜|能|可|得|再|会|曾|主张|推荐|建议|提倡|适合|适宜|予以?|用于|需要?)?{_NEGATED_VERB}过?|不宜
    | 不应|不适用于|不是|不用于|不属于
    | 不明显|不成立|未成立|缺如|未经(?={MENTION})
    | (?:^|(?<=[，,。；;:：尚仍且也并于因均前]))缺乏|无(?!法)|[未不非](?={MENTION})
    """
_HYPOTHESIS = r"""
      (?:不能|不可|无法|未能|尚未|难以|不)(?:完全|彻底|绝对)?(?:排除|除外|否定)|未排除|未除外|待除外|待排除?
    | 伴或不伴|有或无|有没有|有无
    | 是否|能否|可否|会否|与否|未必|不一定|不确定|可能性|可能|或许|也许|似乎|大概|恐怕|推测|推断|猜测|设想
    | 假设|假定|假说
    | 疑似|可疑|怀疑|疑为|疑诊|疑有|拟诊|疑|(?<!不)考虑|警惕
    | 如果|若是|若|假如|倘若|倘|一旦|万一|除非|假使|如
    | 否则|以防|预防|防止|防范|谨防|避免(?!(?:同时|长期|联合|合并)?(?:使用|应用|服用|选用))|以免
    | 建议|(?<![究目防养人冶育年期])计划(?![(（书组性外妊生])|择期|必要时|等待|准备(?=行|予|接受|实施)|(?<!不)拟
    | 有待|争议|争论|不甚?清楚|不明确|未明确|未定论|未有定论|待证实|待明确|待研究
    | 风险|危险|高危|吗|[？?]
    | 待(?=[^，,。；;]{1,12}[后时]再?(?:行|予|给予|进行|加用|启用|起始|实施))
    """
_AIM = r"""
      旨在(?:探讨|研究|评估|评价|观察|比较|分析|了解|验证|明确|探索|考察|调查|检验|阐明|揭示)?
    | (?<=为)(?:明确|了解|探讨|研究(?!对象)|评价|评估|验证|探索|阐明|比较|观察(?!组|对象)|分析)|探讨
    | (?:(?<=目的)|(?<=目的[\s:：])|(?<=目的[:：]\s))
      (?:观察|比较|分析|研究|了解|调查|评价|评估|验证|明确|探索|阐明|考察|总结|检测)
    | ^(?:评价|评估|探索|阐明)(?!指标|标准|量表|方法)
    """
CUES = re.compile(rf"(?P<aim>{_AIM})|(?P<hypothesis>{_HYPOTHESIS})|(?P<negation>{_NEGATION})", re.VERBOSE)

_ABSENCES = (
    "症状.|感知|(?:明显|自觉|任何)?(?:诱因|原因)|痛(?:性|(?!风)[^经苦]{0,3}$)|功能|义|法|菌(?![血尿])|创(?!伤)|热|光(?!敏)|声(?!音|嘶)|性[欲别]"
    "|意识|排卵|月经|初潮|经[期者]|精(?![神索])|汗|尿(?:[^频急痛糖蛋路潴失血毒酸色道]|$)|便意|泪|力|脉(?:[症性]|$)|脉搏|牙(?![龈周痛髓])|齿"
    "|嗅|味觉|语|虹膜(?!炎)|晶状?体|毛[症发]?$|阴毛|腋毛|乳(?:汁|链|$)|回声|反应|应答|张力|胃酸|[丙βα]|白蛋白(?!尿)|胆红?素尿|纤维蛋白原"
    "|粒细胞|巨核|颅(?![内脑骨神])|肛(?!门.|[裂瘘周])|顶|脑[儿畸]|[脑脾肾眼](?:症|综合征|$)|(?:子宫|阴道|甲状腺|睾丸|呼吸)$"
    "|自主呼吸|心跳|胎心|眠|欲|快感|神(?!志|经(?!节))|苔(?!藓)|[A-Za-z]"
)
_DISORDERS = "障碍|异常|减退|减低|减少|下降|升高|增高|过多|紊乱|失调|不全|损害|损伤|受损|改变|迟钝|缺失|感染"
"""Disorders whose absence is no finding: 无意识障碍 is negated, 无意识 is not."""
INNER_NEGATION = re.compile(
    rf"""
      没有|否认|不(?=发热|咳嗽|咯血|伴|合并)(?:伴有?|合并)?
    | 未(?:再次?)?(?:触及|扪及|闻及|探及|查及|引出|见到?|及(?!时)|发现|出现|发生|检出|查见|显示|提示|合并|并发|伴有?|诉)
      (?!肠鸣音|胎心|脉搏)
    | 无(?!症状|痛|诱因|原因|(?:明显|自觉|任何)(?:诱因|原因))(?=(?:性欲|[^性])+(?:{_DISORDERS})$)
    | 无(?!{_ABSENCES})
    """,
    re.VERBOSE,
)
"""A negation that was annotated as a part of what it negates (无胸闷), at the beginning of a finding.

In the names of findings 无 means that something of the body is missing (无尿), or names a form (无痛性甲状腺炎).
"""
MIDDLE_NEGATION = re.compile("未(?:触及|扪及|闻及|探及|查及|引出|见)(?!肠鸣音|胎心|脉搏)")
"""The same behind the place of the finding: 双肺未闻及啰音."""
DEGREES = re.compile("(?:明显|显著|任何|其[他它])的?")
"""Words between a negation and a finding that belong to neither."""

BACKWARD_ONLY = re.compile(r"风险|危险|高危|可能性|[吗？?]|待排除?|待除外")
NOT_FOR = re.compile(r".+用于")
"""Deny a drug that is before: the disease behind is that of the persons."""
LIST_CUES = re.compile(r"以防|预防|防止|防范|谨防|避免|以免|疑.*|.疑|怀疑|拟诊|.*(?:排除|除外|否定)")
"""Hypothetical cues that reach over a list, not to the end of the clause."""

CONDITION = re.compile(r"如果|若是|若|假如|倘若|倘|一旦|万一|除非|假使|如|有无|有没有|有或无|伴或不伴|是否")
AS_CONDITION = re.compile(rf"[{MENTION}出发合并伴有无未不存需仍复再持患病术治使用既]")
"""Text after 如 in the sense of "if"; elsewhere it means "such as"."""

QUESTION = re.compile(r"如何|怎样|怎么|什么|哪些|哪种|为何|为什么|几")

TERMINATOR = re.compile(
    r"但是|但|然而|而是|而且|而(?!非)|却|不过|仅|只有|伴有|可见|改用|改为|同时|仍|遂|反而|从而|因而|因此|故|所以|其余|其中|另有|另|转而|直至"
)
"""Ends the scope of every cue."""

STOPS_LIST = re.compile(
    r"患者|者|组|后|时|前|以来|期间|予|给予|改|为(?!主)|是|示|显示|提示|较|因|由|经|致|引起|导致|降|升|增|减|可|应|须|需|再|均|都|在|对|于|"
    r"入院|出院|就诊|治疗后|共|例|行|查|诊断"
)
"""Ends a list between two of its mentions."""

STOPS_HYPOTHESIS = re.compile(r"须|会|分[为成]|应当?|需要?|则|均可|可以?(?!能)|立即|及时|首选|停用|加用|改用")
"""Begins the consequence of a condition or question in the same clause."""

FILLER = re.compile(
    rf"[{MENTION}、及和或与以等其他各类种\s/①-⑳()（）0-9.]|等|急性|慢性|症状|表现|体征|病史|家族史|史|病变|疾病|情况|现象|发生|并发症|之一"
)
"""Text that is allowed in a list besides its mentions."""

TAIL = re.compile(r"(?:[1一]例|发生|出现|报道|报告|过|史|者|诊断|异常|之|[。；;！!？?])*$")
"""Text after a negation that denies the subject before it; anything else is its object."""

NOT_DONE = re.compile(r"(?:未|不|没有).*(?:测|测定|测量|查|行|做|用|接受|服|评估|实施|给予|推荐|建议|宜)过?|禁用|拒绝")
"""Cues that deny an act; only these make a test negated when they stand behind it."""

ACT_CUES = frozenset({"待", "建议", "计划", "择期", "必要时", "等待", "准备", "拟"})
"""Plans: only the act is hypothetical."""

EVENT_CUES = frozenset({"风险", "危险", "高危", "预防", "防止", "防范", "谨防", "以防", "以免"})
"""Types that can happen: events, not drugs, tests or parts of the body."""

OPEN_RELATION = re.compile(r"有待|争议|争论|不甚?清楚|不明确|未明确|未定论|未有定论|待证实|待明确|待研究")
NEGATIVE = re.compile(r"阴性|[(（][-－—–―][)）]")
"""The result of a test, and the absence of a finding."""

UNCLEAR = re.compile(r"不甚?清楚|[不未]明确")
RELATED = re.compile(r"关系|作用|影响|相关|意义|价值|安全|疗效|效果|功能|联系|获益|因果")
"""Words for causes or relations that must be unclear; 病理不明确 leaves nothing open."""

UNKNOWN_CAUSE = re.compile(r"机制|病因|原因|发病|诱因|病理生理")

AIM_GOES_ON = re.compile(r"以及|及|并|和|从而|进而|以期|以(?!上|下|内)|为.{0,20}提供")

CRITERIA = re.compile(r"(?:排除|剔除|除外)(?:标准|条件|指标)(?=\s*(?:[:：(（①1]|包括|为|是|有|如下|\n|$))")
CRITERIA_END = re.compile(
    r"最终|最后|共(?!同)|入[组选]|纳入|所有|两组|本研究|研究|收集|方法|诊断标准|分组|随机|(?:\d|[一二三四五])[.、]?\d?\s*(?:方法|观察|统计)"
)
RESUMES = re.compile(r"\s*(?:[(（]?[2-9][)）]|[②-⑳]|[2-9][.、)）])")
"""The continuation of a numbered list in the next sentence."""
