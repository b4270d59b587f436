import { useEffect, useRef, useState } from "preact/hooks";
import { changedPaths } from "./merge";
import { Empty } from "./ui";

const markedFor = 20_000; // milliseconds

/** The reported properties. What changed a short while ago is marked, also for those who do not see colours. */
export function Reported({ document, version }: { document: unknown; version: number }) {
  const before = useRef(document);
  const [changed, mark] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const paths = changedPaths(before.current, document);
    before.current = document;
    if (paths.length === 0) return;
    mark(new Set(paths));
    const timer = setTimeout(() => mark(new Set()), markedFor);
    return () => clearTimeout(timer);
  }, [version]);
  if (typeof document !== "object" || document === null || Object.keys(document).length === 0) return <Empty>The module has reported nothing yet.</Empty>;
  return (
    <pre class="tree" tabIndex={0} aria-label="Reported properties">
      <Value value={document} path="" indent="" changed={changed} />
    </pre>
  );
}

function Value({ value, path, indent, changed }: { value: unknown; path: string; indent: string; changed: ReadonlySet<string> }) {
  if (changed.has(path)) return <mark title="changed just now">{JSON.stringify(value, null, 2)?.replaceAll("\n", "\n" + indent) ?? "gone"}</mark>;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return <>{JSON.stringify(value)}</>;
  const entries = Object.entries(value);
  if (entries.length === 0) return <>{"{}"}</>;
  return (
    <>
      {"{\n"}
      {entries.map(([name, inner], i) => (
        <span key={name}>
          {`${indent}  "${name}": `}
          <Value value={inner} path={path ? `${path}.${name}` : name} indent={indent + "  "} changed={changed} />
          {i < entries.length - 1 ? ",\n" : "\n"}
        </span>
      ))}
      {indent + "}"}
    </>
  );
}
