import { render } from "preact";
import { App } from "./app";
import { live } from "./live";
import "./style.css";

live.watch("");
render(<App />, document.getElementById("page")!);
