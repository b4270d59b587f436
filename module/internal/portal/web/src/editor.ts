import { type Completion, type CompletionContext, type CompletionResult, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, linter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { get } from "./api";
import { namesAround, pathAt, placeOf } from "./places";
import { Guide, type Schema, boundsOf, sampleOf, severityOf } from "./schema";
import type { Finding } from "./types";

const guide = new Guide(await get<Schema>("/api/schema"));

const colors = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--accent)" },
  { tag: tags.string, color: "var(--ok)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" },
]);

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--muted)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent) !important" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "7px", boxShadow: "0 4px 16px #0003" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.75" },
  // CodeMirror's own marks are images in the style, which the page's policy does not let in.
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn)" },
  ".cm-lintRange-info": { backgroundImage: "none", textDecoration: "underline dotted var(--muted)" },
  ".cm-lint-marker": { content: '""', width: "9px", height: "9px", margin: "5px 2px", borderRadius: "50%", backgroundColor: "var(--muted)" },
  ".cm-lint-marker-error": { content: '""', borderRadius: "1px", backgroundColor: "var(--bad)" },
  ".cm-lint-marker-warning": { content: '""', backgroundColor: "var(--warn)" },
  ".cm-lint-marker-info": { content: '""' },
  ".cm-diagnostic": { padding: "5px 10px", font: "13.5px/1.45 system-ui, sans-serif" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-help": { maxWidth: "420px", padding: "7px 10px", font: "13.5px/1.45 system-ui, sans-serif" },
  ".cm-help b": { display: "block", fontFamily: "var(--mono)" },
  ".cm-help small": { display: "block", color: "var(--muted)" },
});

/** Proposes names and values that the schema knows. */
function complete(context: CompletionContext): CompletionResult | null {
  const { path, inName, inValue } = pathAt(context.state, context.pos);
  if (inValue) return completeValue(context, guide.at(path));
  const word = inName ?? context.matchBefore(/\w*/);
  if (!inName && !context.explicit && word?.from === word?.to) return null;
  const there = namesAround(context.state, context.pos);
  const properties = Object.entries(guide.at(path)?.properties ?? {});
  const options = properties.filter(([name]) => !name.startsWith("$") && !there.has(name)).map(([name]) => nameOption(name, guide.at([...path, name]), inName !== null && context.state.sliceDoc(inName.to, inName.to + 1) === ":"));
  return { from: word?.from ?? context.pos, to: inName?.to ?? context.pos, options, filter: inName === null };
}

function nameOption(name: string, schema: Schema | undefined, hasValue: boolean): Completion {
  const quoted = JSON.stringify(name);
  return { label: name, detail: schema ? boundsOf(schema) : "", info: schema?.description, apply: hasValue ? quoted : `${quoted}: ${sampleOf(schema)}`, type: "property" };
}

function completeValue(context: CompletionContext, schema: Schema | undefined): CompletionResult | null {
  const values = schema?.enum ?? (schema?.type === "boolean" ? [true, false] : schema?.default !== undefined ? [schema.default] : []);
  const word = context.matchBefore(/[\w"./:-]*/);
  if (values.length === 0 || (!context.explicit && word?.from === word?.to)) return null;
  return { from: word?.from ?? context.pos, options: values.map((v) => ({ label: JSON.stringify(v), type: "enum" })) };
}

/** Says what the schema has to say of the property under the pointer. */
const help = hoverTooltip((view, at) => {
  const { path, inName } = pathAt(view.state, at);
  if (inName) path.push(JSON.parse(view.state.sliceDoc(inName.from, inName.to)) as string);
  const schema = guide.at(path);
  if (!schema?.description && !schema?.type) return null;
  return {
    pos: at,
    create: () => {
      const dom = window.document.createElement("div");
      dom.className = "cm-help";
      for (const [element, text] of [["b", path.join(".")], ["span", schema.description ?? ""], ["small", boundsOf(schema)]] as const) {
        const line = window.document.createElement(element);
        line.textContent = text;
        dom.append(line);
      }
      return { dom };
    },
  };
});

/** A text editor for the desired properties. It lives in a shadow root, where its styles need no exception of the page's policy. */
export class Editor {
  readonly #view: EditorView;
  #findings: Finding[] = [];

  constructor(box: HTMLElement, text: string, changed: (text: string) => void) {
    const root = box.shadowRoot ?? box.attachShadow({ mode: "open" });
    this.#view = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(), foldGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(),
          json(), syntaxHighlighting(colors), theme, help,
          autocompletion({ override: [complete], icons: false }),
          lintGutter(), linter((view) => [...jsonParseLinter()(view), ...this.#diagnostics(view.state)], { delay: 200 }),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...foldKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
          EditorView.contentAttributes.of({ "aria-label": "Desired properties; Escape and then Tab leaves the editor" }),
          EditorView.updateListener.of((u) => u.docChanged && changed(u.state.doc.toString())),
        ],
      }),
    });
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  replace(text: string) {
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
  }

  /** Marks findings at their places. */
  mark(findings: Finding[]) {
    this.#findings = findings;
    const state = this.#view.state;
    const broken = jsonParseLinter()(this.#view);
    this.#view.dispatch(setDiagnostics(state, [...broken, ...this.#diagnostics(state)]));
  }

  /** Brings a path into sight, and the cursor to it. */
  reveal(path: string[]) {
    const { from } = placeOf(this.#view.state, path);
    this.#view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    this.#view.focus();
  }

  destroy() {
    this.#view.destroy();
  }

  #diagnostics(state: EditorState): Diagnostic[] {
    return this.#findings.map((f) => ({
      ...placeOf(state, f.path.split(".")),
      severity: severityOf(f),
      message: f.hint ? `${f.reason} (${f.hint})` : f.reason,
      source: f.path,
    }));
  }
}
