import type { Finding } from "./types";

/** As much of JSON Schema as the twin's has. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
}

/** Finds what a schema says of places in a document. */
export class Guide {
  constructor(private readonly root: Schema) {}

  /** The schema of what stands at a path, or undefined where anything may. */
  at(path: string[]): Schema | undefined {
    let schema: Schema | undefined = this.root;
    for (const name of path) {
      schema = this.#resolve(schema);
      const more: Schema | boolean | undefined = schema?.properties?.[name] ?? schema?.additionalProperties;
      schema = typeof more === "object" ? more : undefined;
    }
    return this.#resolve(schema);
  }

  #resolve(schema: Schema | undefined): Schema | undefined {
    for (let n = 0; schema && n < 8; n++) {
      const one: Schema | undefined = schema.$ref ? this.root.$defs?.[schema.$ref.replace("#/$defs/", "")] : schema.anyOf?.find((s) => s.type !== "null");
      if (!one) return schema;
      schema = { ...one, ...(schema.description ? { description: schema.description } : {}) };
    }
    return schema;
  }
}

/** What a schema says of a value, in a line. */
export function boundsOf(s: Schema): string {
  const parts: string[] = [];
  if (s.enum) parts.push(s.enum.map((v) => JSON.stringify(v)).join(" | "));
  else if (s.type) parts.push([s.type].flat().join(" or "));
  if (s.minimum !== undefined || s.maximum !== undefined) parts.push(`${s.minimum ?? "…"} to ${s.maximum ?? "…"}`);
  if (s.default !== undefined) parts.push(`default ${JSON.stringify(s.default)}`);
  return parts.join(", ");
}

/** A value to begin with. */
export function sampleOf(s: Schema | undefined): string {
  if (s?.default !== undefined) return JSON.stringify(s.default);
  if (s?.enum) return JSON.stringify(s.enum[0]);
  switch ([s?.type].flat()[0]) {
    case "string":
      return '""';
    case "boolean":
      return "false";
    case "integer":
    case "number":
      return String(s?.minimum ?? 0);
    case "array":
      return "[]";
    default:
      return "{}";
  }
}

export const severityOf = (f: Finding): "error" | "warning" | "info" => (f.severity === "refused" ? "error" : f.severity === "warning" ? "warning" : "info");
