import { useEffect, useState } from "preact/hooks";

/** Where the page is: the part, and what of it, from an address like #/signals/press1Temp. */
export interface Place {
  part: string;
  name: string;
}

function here(): Place {
  const [part = "", name = ""] = location.hash.replace(/^#\//, "").split("/");
  return { part: part || "flow", name: decodeURIComponent(name) };
}

export const link = (part: string, name = ""): string => `#/${part}${name && "/" + encodeURIComponent(name)}`;

export const go = (part: string, name = ""): void => {
  location.hash = link(part, name);
};

export function usePlace(): Place {
  const [place, move] = useState(here);
  useEffect(() => {
    const moved = () => move(here());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return place;
}
