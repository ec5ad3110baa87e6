/** Entity and relation types: names, letter codes, and five colors x three shapes that the color-blind tell apart. */

import { isChinese } from "./i18n.js";
import { svg } from "./dom.js";

// group (the color, `.g-GROUP` in style.css), shape, code in Chinese and English, name in Chinese and English
const TYPES = {
  Disease: ["disease", "circle", "病", "Di", "疾病", "Disease"],
  Symptom: ["disease", "square", "状", "Sy", "临床表现", "Symptom"],
  Reason: ["disease", "diamond", "因", "Re", "病因", "Reason"],
  Test: ["test", "circle", "检", "Te", "检查方法", "Test"],
  Test_Value: ["test", "square", "值", "Va", "检查指标值", "Test value"],
  Level: ["test", "diamond", "度", "Le", "程度", "Level"],
  Drug: ["therapy", "circle", "药", "Dr", "药品", "Drug"],
  Treatment: ["therapy", "square", "治", "Tr", "非药物治疗", "Treatment"],
  Operation: ["therapy", "diamond", "术", "Op", "手术", "Operation"],
  Amount: ["dosing", "circle", "量", "Am", "用药剂量", "Amount"],
  Frequency: ["dosing", "square", "频", "Fr", "用药频率", "Frequency"],
  Method: ["dosing", "diamond", "法", "Me", "用药方法", "Method"],
  SideEff: ["other", "circle", "反", "Se", "不良反应", "Side effect"],
  Anatomy: ["other", "square", "位", "An", "部位", "Anatomy"],
  Duration: ["other", "diamond", "时", "Du", "持续时间", "Duration"],
};
const ORDER = Object.keys(TYPES);
const GROUPS = ["disease", "test", "therapy", "dosing", "other"];
const SHAPES = ["circle", "square", "diamond"];

const RELATIONS = {
  Test_Disease: ["检查—疾病", "test of disease"],
  Symptom_Disease: ["临床表现—疾病", "symptom of disease"],
  Treatment_Disease: ["非药物治疗—疾病", "treatment of disease"],
  Drug_Disease: ["药品—疾病", "drug for disease"],
  Anatomy_Disease: ["部位—疾病", "site of disease"],
  Frequency_Drug: ["用药频率—药品", "frequency of drug"],
  Duration_Drug: ["持续时间—药品", "duration of drug"],
  Amount_Drug: ["用药剂量—药品", "amount of drug"],
  Method_Drug: ["用药方法—药品", "method of drug"],
  "SideEff-Drug": ["不良反应—药品", "side effect of drug"],
};

let others = { entities: new Map(), relations: new Map() };

/** Learn the names of the types of another label set from `/v1/info`. */
export function learnNames({ entities = [], relations = [] }) {
  others = {
    entities: new Map(entities.map((type) => [type.name, type])),
    relations: new Map(relations.map((type) => [type.name, type])),
  };
}

/** Return the group, shape and code of an entity type; types of other label sets get a stable one by their name. */
export function typeOf(name) {
  const known = TYPES[name];
  if (known) {
    const [group, shape, ...codes] = known;
    return { name, group, shape, code: codes[isChinese() ? 0 : 1] };
  }
  const sum = [...name].reduce((total, character) => (total * 31 + character.codePointAt(0)) % 9973, 7);
  const code = [...name].slice(0, /^[\x20-\x7e]/.test(name) ? 2 : 1).join("");
  return { name, group: GROUPS[sum % GROUPS.length], shape: SHAPES[Math.trunc(sum / 5) % SHAPES.length], code };
}

/** Return the name of an entity type in the language of the page. */
export function typeName(name) {
  return TYPES[name]?.[isChinese() ? 4 : 5] ?? others.entities.get(name)?.[isChinese() ? "zh" : "en"] ?? name;
}

/** Return the name of a relation type in the language of the page. */
export function relationName(name) {
  return RELATIONS[name]?.[isChinese() ? 0 : 1] ?? (isChinese() ? others.relations.get(name)?.zh : null) ?? name;
}

/** Compare entity types by their place in the palette, others after them by name. */
export function compareTypes(first, second) {
  const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return place(first) - place(second) || (first < second ? -1 : Number(first > second));
}

/** Draw the shape of a type around the origin; its code stands inside. */
export function typeShape(name, radius) {
  const { shape, code } = typeOf(name);
  const side = radius * 0.9;
  const tip = radius * 1.25;
  const outline = {
    circle: () => svg("circle.shape", { r: radius }),
    square: () => svg("rect.shape", { x: -side, y: -side, width: 2 * side, height: 2 * side, rx: radius * 0.22 }),
    diamond: () => svg("path.shape", { d: `M0 ${-tip}L${tip} 0 0 ${tip}${-tip} 0Z` }),
  }[shape]();
  return [outline, svg("text.code", { "text-anchor": "middle", dy: "0.36em", "font-size": radius * 0.95 }, code)];
}

/** Make a small picture of a type for lists and texts; the name of the type must stand beside it or in a label. */
export function typeIcon(name) {
  const icon = svg("svg.icon", { viewBox: "-14 -14 28 28", width: 24, height: 24, "aria-hidden": "true" });
  icon.classList.add(`g-${typeOf(name).group}`);
  icon.append(...typeShape(name, 11.5));
  return icon;
}
