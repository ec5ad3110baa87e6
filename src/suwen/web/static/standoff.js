/** An extraction in suwen's JSON Lines and in brat's standoff form, as `suwen extract` writes both. */

import { pieces } from "./segments.js";

// Where Python's str.splitlines ends a line: a mention in an .ann file has none of these.
const BREAK = /[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

/** Return the assertions of entities as attributes with the ids A1, A2, … */
function attributes(entities) {
  const found = [];
  const add = (target, label, value) => found.push({ id: `A${found.length + 1}`, label, target, value });
  for (const { id, assertion } of entities) {
    if (!assertion || assertion.polarity === "affirmed") continue;
    add(id, "Assertion", assertion.polarity);
    if (assertion.cue) add(id, "Cue", assertion.cue.join("-"));
  }
  return found;
}

/** Return a document as one line of suwen's JSON Lines. */
export function jsonLine(id, text, { model, relations_model, entities, relations }) {
  return `${JSON.stringify({
    version: 1,
    id,
    text,
    entities: entities.map(({ id, label, start, end, fragments, score }) => ({
      label,
      start,
      end,
      ...(fragments?.length && { fragments }),
      id,
      ...(score != null && { score }),
    })),
    relations: relations.map(({ id, type, head, tail, score }) => ({
      label: type,
      head,
      tail,
      id,
      ...(score != null && { score }),
    })),
    attributes: attributes(entities),
    meta: { model, relation_model: relations_model },
  })}\n`;
}

/** Return the annotations of a text as the content of an .ann file; offsets are code points. */
export function brat(text, { model, relations_model, entities, relations }) {
  const points = Array.from(text);
  const lines = entities.map((entity) => entityLine(entity, points));
  for (const { id, type, head, tail } of relations) lines.push(`${id}\t${type} Arg1:${head} Arg2:${tail}`);
  for (const { id, label, target, value } of attributes(entities)) lines.push(`${id}\t${label} ${target} ${value}`);
  const note = ({ id, score }, model) => `AnnotatorNotes ${id}\t${confidence(score)}model ${model}`;
  const notes = [
    ...entities.map((entity) => note(entity, model)),
    ...relations.filter(({ score }) => score != null).map((relation) => note(relation, relations_model)),
  ];
  notes.forEach((said, index) => lines.push(`#${index + 1}\t${said}`));
  return lines.map((line) => `${line}\n`).join("");
}

function confidence(score) {
  if (score == null) return "";
  return `confidence ${Number.isInteger(score) ? score.toFixed(1) : score}, `;
}

function entityLine(entity, points) {
  const spans = pieces(entity).flatMap(([start, end]) => unbroken(points, start, end));
  const offsets = spans.map(([start, end]) => `${start} ${end}`).join(";");
  const mention = spans.map(([start, end]) => points.slice(start, end).join("")).join(" ");
  return `${entity.id}\t${entity.label} ${offsets}\t${mention.replace(new RegExp(BREAK, "g"), " ")}`;
}

/** Return the spans between the line breaks of a span; breaks at its edges stay with the first and the last one. */
function unbroken(points, start, end) {
  const spans = [];
  for (let at = start; at < end; at += 1) {
    if (BREAK.test(points[at])) continue;
    if (spans.length && spans.at(-1)[1] === at) spans.at(-1)[1] = at + 1;
    else spans.push([at, at + 1]);
  }
  if (spans.length < 2) return [[start, end]];
  spans[0][0] = start;
  spans.at(-1)[1] = end;
  return spans;
}
