import { syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { SyntaxNode } from "@lezer/common";

// Between paths in a JSON document and places in its text.

const nameOf = (state: EditorState, property: SyntaxNode): string => {
  const name = property.getChild("PropertyName");
  if (!name) return "";
  const text = state.sliceDoc(name.from, name.to);
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.replaceAll('"', "");
  }
};

/** The names that lead to a place, without that of the property whose name stands there. */
export function pathAt(state: EditorState, at: number): { path: string[]; inName: SyntaxNode | null; inValue: SyntaxNode | null } {
  const path: string[] = [];
  const here = syntaxTree(state).resolveInner(at, -1);
  const inName = here.name === "PropertyName" ? here : null;
  let inValue: SyntaxNode | null = null;
  for (let node: SyntaxNode | null = here; node; node = node.parent) {
    if (node.name !== "Property") continue;
    if (inName && node.from === inName.from) continue;
    path.unshift(nameOf(state, node));
    inValue ??= node;
  }
  if (here.name === "Object" || inName) inValue = null;
  return { path, inName, inValue };
}

/** The place of a path: as much of it as there is. */
export function placeOf(state: EditorState, path: string[]): { from: number; to: number } {
  let node: SyntaxNode | null = syntaxTree(state).topNode.firstChild;
  let found = { from: 0, to: Math.min(1, state.doc.length) };
  for (const name of path) {
    const property: SyntaxNode | undefined = node?.getChildren("Property").find((p) => nameOf(state, p) === name);
    if (!property) break;
    const value = property.lastChild;
    const wide = !value || value.name === "Object" || value.name === "Array" || value.name === "⚠";
    found = wide ? { from: property.from, to: property.getChild("PropertyName")?.to ?? property.to } : { from: property.from, to: property.to };
    node = value;
  }
  return found;
}

/** The names that an object around a place has already. */
export function namesAround(state: EditorState, at: number): Set<string> {
  for (let node: SyntaxNode | null = syntaxTree(state).resolveInner(at, -1); node; node = node.parent)
    if (node.name === "Object") return new Set(node.getChildren("Property").map((p) => nameOf(state, p)));
  return new Set();
}
