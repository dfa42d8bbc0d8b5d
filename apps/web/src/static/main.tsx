// The page that needs no server: the chat over a model that runs in the tab.

import "../trusted-types.ts";
import { render } from "preact";
import { createChat } from "../chat/chat.ts";
import "../style.css";
import "../tab/tab.css";
import { isolate } from "../tab/isolation.ts";
import { createTab } from "../tab/tab.ts";
import { TabPage } from "../tab/tab-page.tsx";
import { applyTheme } from "../view/theme.tsx";

applyTheme();
const obstacle = await isolate();
const chat = createChat({ database: "ll-tab" });
const tab = createTab(chat);
tab.obstacle.value = obstacle;
const root = document.getElementById("app");
if (root !== null) render(<TabPage chat={chat} tab={tab} />, root);
await chat.load();
