// The page of ll-serve: the chat over the server that it came from.

import { render } from "preact";
import { createChat } from "../chat/chat.ts";
import "../style.css";
import { text } from "../text.ts";
import { ChatPage } from "../view/page.tsx";
import { applyTheme } from "../view/theme.tsx";
import { ServerButton } from "./server-button.tsx";

applyTheme();
const chat = createChat({ database: "ll-served" });
const root = document.getElementById("app");
if (root !== null)
  render(<ChatPage chat={chat} status={<ServerButton chat={chat} />} hint={text.greetingHint} />, root);
await chat.load();
await chat.connect({ fetch: (url, init) => fetch(url, init), base: "" });
