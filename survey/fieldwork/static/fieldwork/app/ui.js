/* Elements, icons and words that every screen uses. */

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  Object.entries(attributes || {}).forEach(([name, value]) => {
    if (value === null || value === undefined || value === false) return;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (["value", "checked", "disabled"].includes(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  });
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const ICONS = {
  check: "M5 12.5l4.5 4.5L19 7.5",
  chevron: "M9 5l7 7-7 7",
  back: "M15 5l-7 7 7 7",
  clock: "M12 7v5l3.5 2M12 3a9 9 0 100 18 9 9 0 000-18z",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 017 0v3",
  plus: "M12 5v14M5 12h14",
  door: "M6 21V3h12v18M3 21h18M14 12v.5",
  sync: "M20 11a8 8 0 00-14-5L4 8m0-4v4h4M4 13a8 8 0 0014 5l2-2m0 4v-4h-4",
  offline: "M3 3l18 18M5 11a10 10 0 014-2.4M12 8.2a10 10 0 017 2.8M8.5 14.5a5 5 0 017 0M12 19v.01",
  online: "M2.5 9a14 14 0 0119 0M5.5 12.4a9.5 9.5 0 0113 0M8.7 15.8a5 5 0 016.6 0M12 19v.01",
  note: "M12 3a9 9 0 100 18 9 9 0 000-18zM12 7.5v5.5M12 16.4v.1",
  camera: "M4 8h4l1.5-2.5h5L16 8h4v11H4zM12 16.5a3.3 3.3 0 100-6.6 3.3 3.3 0 000 6.6z",
};

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
  Object.entries({ class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" })
    .forEach(([key, value]) => svg.setAttribute(key, value));
  Object.entries({ d: ICONS[name], fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round",
    "stroke-linejoin": "round" }).forEach(([key, value]) => path.setAttribute(key, value));
  svg.append(path);
  return svg;
}

/* A number stays with its word when a line breaks: 1 号楼, 101 室. */
export const together = (text) => text.replace(/(\d) (?=\p{Script=Han})/gu, "$1\u00a0");

const two = (n) => String(n).padStart(2, "0");
const WEEK = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];

export const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;
export const day = (date) => `${date.getMonth() + 1} 月 ${date.getDate()} 日`;
export const weekday = (date) => `${day(date)} ${WEEK[date.getDay()]}`;
// Contact rules count an evening from 18:00.
export const part = (date) => date.getHours() < 12 ? "上午" : date.getHours() < 18 ? "下午" : "晚上";
export const sameDay = (a, b) => a.toDateString() === b.toDateString();

/* 今天下午, 周四上午 within the last days, else 11 月 15 日上午. */
export function dayWords(date, now) {
  const days = Math.round((new Date(now.toDateString()) - new Date(date.toDateString())) / 86400000);
  const name = days === 0 ? "今天" : days > 0 && days <= 6 ? WEEK[date.getDay()] : day(date);
  return name + part(date);
}

export function appointmentWords(date, now) {
  return sameDay(date, now) ? `约 ${clock(date)}` : `约 ${day(date)} ${clock(date)}`;
}

/* A button that works once at a time and says what went wrong under itself. */
export function action(text, attributes, work) {
  const said = h("p", { class: "note note-error", role: "alert", hidden: true });
  const button = h("button", { type: "button", class: "button f-wide", ...attributes, onclick: async () => {
    if (button.disabled) return;
    button.disabled = true;
    said.hidden = true;
    try {
      await work();
    } catch (error) {
      said.textContent = error.words || `没有做成：${error.message}。您写的还在这里，请再试一次。`;
      said.hidden = false;
      said.scrollIntoView({ block: "nearest" });
    } finally {
      button.disabled = false;
    }
  } }, text);
  button.said = said;
  return button;
}

/* A finger draws; `png()` gives the picture, null while the box is empty. Black on white also at night. */
export function signaturePad(label) {
  const canvas = h("canvas", { class: "a-sign", width: "900", height: "360", role: "img", "aria-label": label });
  const pen = canvas.getContext("2d");
  let inked = false, down = false;
  const clear = () => {
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, 900, 360);
    pen.strokeStyle = "#162224";
    pen.lineWidth = 7;
    pen.lineCap = pen.lineJoin = "round";
    inked = false;
  };
  const at = (event) => {
    const frame = canvas.getBoundingClientRect();
    return [(event.clientX - frame.left) * 900 / frame.width, (event.clientY - frame.top) * 360 / frame.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    down = inked = true;
    canvas.setPointerCapture(event.pointerId);
    const [x, y] = at(event);
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + 0.1, y);
    pen.stroke();
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!down) return;
    pen.lineTo(...at(event));
    pen.stroke();
    event.preventDefault();
  });
  ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => { down = false; }));
  clear();
  return { canvas, clear, png: () => inked ? new Promise((resolve) => canvas.toBlob(resolve, "image/png")) : null };
}

/* A button that takes the door's picture; `taken` gets it, made small, and may keep it. */
export function plateCamera(has, taken) {
  const KEPT = "门牌照片拍好了，点这里重拍";
  const camera = h("input", { type: "file", id: "plate", accept: "image/*", capture: "environment", class: "sr" });
  const said = h("span", { "aria-live": "polite" }, has ? KEPT : "拍一张门牌（不拍到人）");
  camera.addEventListener("change", async () => {
    if (!camera.files[0]) return;
    try {
      await taken(await shrink(camera.files[0]));
      said.textContent = KEPT;
    } catch (error) {
      said.textContent = "这张照片读不了，请再拍一次";
    }
  });
  return h("label", { class: "button button-quiet f-wide a-camera" }, icon("camera"), camera, said);
}

/* A photo made smaller, without what the camera wrote into it (a canvas holds only the picture). */
export async function shrink(file, side = 1600) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = h("canvas", { width: String(Math.round(picture.width * scale)), height: String(Math.round(picture.height * scale)) });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  for (const quality of [0.85, 0.7, 0.55, 0.4]) {
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
    if (blob.size <= 400000 || quality === 0.4) return blob;
  }
  return null;
}
