// The page that needs no server: the chat over a model that runs in the tab.

import "../trusted-types.ts";
import { render } from "preact";
import { createChat } from "../chat/chat.ts";
import "../style.css";
import { ChatPage } from "../view/page.tsx";
import { applyTheme } from "../view/theme.tsx";

applyTheme();
const chat = createChat({ database: "ll-tab" });
const root = document.getElementById("app");
if (root !== null) render(<ChatPage chat={chat} />, root);
await chat.load();
