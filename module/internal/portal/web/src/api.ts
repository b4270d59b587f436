import type { Finding } from "./types";

const tokenKey = "wasm-on-edge-token";

/** Takes the token out of the address, where it would be seen and bookmarked, and keeps it while this tab is open. */
function takeToken(): string {
  const given = /^#token=([\w-]+)/.exec(location.hash)?.[1];
  if (given) {
    sessionStorage.setItem(tokenKey, given);
    history.replaceState(null, "", location.pathname + "#/flow");
  }
  return sessionStorage.getItem(tokenKey) ?? "";
}

const token = takeToken();

/** Whether changes can be made from this tab. */
export const mayChange = token !== "";

/** Says why something was not done. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly hint?: string,
    readonly findings: Finding[] = [],
  ) {
    super(message);
  }
}

async function answerOf<T>(response: Response): Promise<T> {
  const body = (await response.json().catch(() => ({ error: response.statusText }))) as T;
  if (response.ok) return body;
  const r = body as { error: string; hint?: string; findings?: Finding[] };
  throw new Refusal(r.error, response.status, r.hint, r.findings);
}

/** Reads what is. */
export async function get<T>(path: string): Promise<T> {
  return answerOf<T>(await fetch(path));
}

/** Changes something, or has something looked at. */
export async function post<T>(path: string, body: unknown): Promise<T> {
  const raw = body instanceof Blob || typeof body === "string";
  return answerOf<T>(
    await fetch(path, {
      method: "POST",
      body: raw ? body : JSON.stringify(body),
      headers: { Authorization: `Bearer ${token}` },
    }),
  );
}

export const patchTwin = (patch: unknown) => post<{ version: number }>("/api/twin", { patch });

export const callMethod = (method: string, payload: unknown) =>
  post<{ status: number; response: unknown; tookUs: number }>("/api/methods", { method, payload });
