/* Elements without a framework, and the drawings that several screens use. Parses as ES2017. */
(function (root) {
  "use strict";

  /* An element: attributes by name, on* as listeners, children as nodes or text. */
  function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    Object.keys(attributes || {}).forEach((name) => {
      const value = attributes[name];
      if (value === null || value === undefined || value === false) return;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name === "class") element.className = value;
      else if (name === "checked" || name === "value" || name === "disabled") element[name] = value;
      else element.setAttribute(name, value === true ? "" : value);
    });
    children.forEach((child) => {
      if (child === null || child === undefined || child === "") return;
      element.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
    });
    return element;
  }

  function svg(className, size, shapes) {
    const space = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(space, "svg");
    picture.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
    picture.setAttribute("class", className);
    picture.setAttribute("aria-hidden", "true");
    picture.setAttribute("focusable", "false");
    shapes.forEach((shape) => {
      const element = document.createElementNS(space, shape[0]);
      Object.keys(shape[1]).forEach((name) => element.setAttribute(name, shape[1][name]));
      picture.appendChild(element);
    });
    return picture;
  }

  const ICONS = {
    tick: ["mf-icon mf-done", [["path", { d: "M4 13l5 5L20 7" }]]],
    clock: ["mf-icon", [["circle", { cx: 12, cy: 12, r: 9 }], ["path", { d: "M12 7v6l4 2" }]]],
    picture: ["mf-icon", [
      ["rect", { x: 3, y: 5, width: 18, height: 14, rx: 2 }], ["path", { d: "M3 16l5-5 4 4 3-3 6 5" }],
    ]],
    speaker: ["mf-icon mf-small", [["path", { d: "M4 9v6h4l5 4V5L8 9z" }], ["path", { d: "M16 8q4 4 0 8" }]]],
    stop: ["mf-icon mf-small", [["rect", { x: 6, y: 6, width: 12, height: 12, rx: 1 }]]],
    up: ["mf-icon mf-small", [["path", { d: "M5 15l7-7 7 7" }]]],
    down: ["mf-icon mf-small", [["path", { d: "M5 9l7 7 7-7" }]]],
    warning: ["mf-error-mark", [
      ["circle", { cx: 12, cy: 12, r: 10 }], ["path", { d: "M12 7v6" }], ["path", { d: "M12 16.5v.5" }],
    ]],
  };

  function icon(name) { return svg(ICONS[name][0], [24, 24], ICONS[name][1]); }

  /* A line of the list on the 已保存在手机 screen. */
  function stateLine(name, strong, soft) {
    return h("li", { class: "mf-line" }, icon(name),
      h("span", {}, h("span", {}, strong), h("span", { class: "mf-soft" }, soft)));
  }

  function phone() {
    return svg("mf-picture", [96, 76], [
      ["rect", { class: "mf-thick", x: 31, y: 4, width: 34, height: 68, rx: 5 }],
      ["path", { class: "mf-thick", d: "M40 34l6 6 11-12" }], ["path", { class: "mf-thick", d: "M44 65h8" }],
      ["path", { class: "mf-dots", d: "M22 26q-8 12 0 24M10 20q-12 18 0 36M74 26q8 12 0 24M86 20q12 18 0 36" }],
    ]);
  }

  function fill(text, ...values) {
    return text.replace(/\{(\d)\}/g, (whole, place) => String(values[Number(place)]));
  }

  root.MinyiDom = { h, icon, stateLine, phone, fill };
})(typeof self !== "undefined" ? self : this);
