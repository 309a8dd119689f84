import "./css/app.css";
import "./app/htmx";
import { start as confirmation } from "./app/confirm";
import { start as forms } from "./app/forms";
import { start as keyboard } from "./app/keyboard";
import { start as settings } from "./app/settings";
import { start as upload } from "./app/upload";

settings();
confirmation();
forms();
keyboard();
upload();
