/** Ask the server, and say its problems in one sentence with what to do. */

import { t } from "./i18n.js";

// Beside /static/, so that the page works below any root path.
const ROOT = new URL("../", import.meta.url);
const TOKEN = "suwen.token";

/** A failed request: `status` is 0 when the server was not reached. */
class Problem extends Error {
  constructor(status, { code = "", title = "", detail = "", request_id: id = "" } = {}, retryAfter = 0) {
    super(detail || title || String(status));
    Object.assign(this, { status, code, detail: detail || title, id, retryAfter });
  }
}

let askForToken = async () => null;

/** Set the function that asks the user for a token: `(wasWrong) => token or null`. */
export function onTokenNeeded(ask) {
  askForToken = ask;
}

/**
 * Send a request to `/v1` and return the JSON of the answer.
 *
 * @param {string} path below `/v1/`, such as "search"
 * @param {Object} [options]
 * @param {Object} [options.body] sent as JSON by POST; without it the request is a GET
 * @param {Object} [options.query] parameters of the URL; empty ones are left out. Never text of the user.
 * @param {AbortSignal} [options.signal]
 * @throws {Problem} an aborted request throws an `AbortError` instead
 */
export async function ask(path, { body, query, signal } = {}) {
  return (await request(path, { body, query, signal })).json();
}

/** Send a request as `ask` and return the answer itself; `headers` and `raw` send something other than JSON. */
export async function request(path, { body, raw, headers = {}, query = {}, signal } = {}) {
  const url = new URL(`v1/${path}`, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  const method = body === undefined && raw === undefined ? "GET" : "POST";
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  const options = { method, body: raw ?? (body && JSON.stringify(body)), signal, credentials: "same-origin" };
  for (let wasWrong = false; ; wasWrong = true) {
    const token = sessionStorage.getItem(TOKEN);
    const authorization = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await send(url, { ...options, headers: { ...type, ...headers, ...authorization } });
    if (answer.ok) return answer;
    if (answer.status !== 401) throw await problemOf(answer);
    const given = await askForToken(Boolean(token) || wasWrong);
    if (!given) throw await problemOf(answer);
    sessionStorage.setItem(TOKEN, given);
  }
}

async function send(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0);
  }
}

async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  return new Problem(answer.status, body, Number(answer.headers.get("Retry-After")));
}

/** Return a function like `ask` that aborts its own earlier request: an answer never comes after that of a newer one. */
export function latest() {
  let running = new AbortController();
  const asking = (path, options = {}) => {
    running.abort();
    running = new AbortController();
    return ask(path, { ...options, signal: running.signal });
  };
  asking.cancel = () => running.abort();
  return asking;
}

/** Tell whether an error only says that a request was given up for a newer one. */
export function wasAborted(error) {
  return error.name === "AbortError";
}

/** What is wrong with a file, by the code of the server; other codes of files say that it cannot be read. */
const OF_FILES = { S106: "scan", S119: "scan", S118: "encrypted" };
const FILE_CODE = /^S1\d\d$|^S830$/;

/** Return one sentence about an error, with what to do. */
export function explain(error) {
  if (!(error instanceof Problem)) return t("error.page", { detail: error.message });
  if (error.status === 0) return t("error.offline");
  if (error.status === 503 && error.retryAfter) return t("error.busy", { n: error.retryAfter });
  if (error.status === 504) return t("error.timeout");
  const key = { 401: "token", 404: "missing", 409: "changed", 410: "changed", 413: "large", 415: "kind" }[error.status];
  if (key) return t(`error.${key}`);
  if (FILE_CODE.test(error.code)) return t(`error.${OF_FILES[error.code] ?? "damaged"}`, { code: error.code });
  if (error.status < 500 || error.status === 503) return t("error.refused", { detail: error.detail });
  return t("error.server", { id: error.id || error.status });
}
