type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const isObject = (v: unknown): v is { [name: string]: Json } => typeof v === "object" && v !== null && !Array.isArray(v);

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The JSON merge patch (RFC 7396) that makes one document into the other. */
export function mergePatch(from: unknown, to: unknown): unknown {
  if (!isObject(from) || !isObject(to)) return to;
  const patch: Record<string, unknown> = {};
  for (const name of Object.keys(from)) if (!(name in to)) patch[name] = null;
  for (const [name, value] of Object.entries(to)) {
    if (!(name in from)) patch[name] = value;
    else if (!same(from[name], value)) patch[name] = mergePatch(from[name], value);
  }
  return patch;
}

/** The paths, joined by dots, of what is not as it was. */
export function changedPaths(from: unknown, to: unknown, path = ""): string[] {
  if (same(from, to)) return [];
  if (!isObject(from) || !isObject(to)) return [path];
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...names].flatMap((name) => changedPaths(from[name], to[name], path ? `${path}.${name}` : name));
}
