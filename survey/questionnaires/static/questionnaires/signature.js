/* Signature: drawn with a finger or a mouse, or a typed name for who cannot draw. Parses as ES2017. */
(function (root) {
  "use strict";

  root.MinyiAddWords({
    "zh-hans": {
      signHere: "用手指在框里写名字", signClear: "擦掉重写", signDone: "写好了", signType: "不方便手写，改为打字", signDraw: "改为手写",
      signName: "打上您的名字", signKept: "签好了。", signAgain: "重新签", signAlt: "您的签名", signBlank: "框里还没有字，请先写名字。",
      signThere: "签名已经送到。",
    },
    "zh-hant": {
      signHere: "用手指在框裡寫名字", signClear: "擦掉重寫", signDone: "寫好了", signType: "不方便手寫，改為打字", signDraw: "改為手寫",
      signName: "打上您的名字", signKept: "簽好了。", signAgain: "重新簽", signAlt: "您的簽名", signBlank: "框裡還沒有字，請先寫名字。",
      signThere: "簽名已經送到。",
    },
    en: {
      signHere: "Write your name in the box with a finger", signClear: "Wipe and start again", signDone: "Done",
      signType: "I cannot draw; type instead", signDraw: "Draw instead", signName: "Type your name", signKept: "Signed.",
      signAgain: "Sign again", signAlt: "Your signature", signBlank: "The box is empty. Please write your name first.",
      signThere: "Your signature has arrived.",
    },
  });

  const F = root.MinyiFields, A = root.MinyiAttachments;
  const { h } = root.MinyiDom;
  const WIDTH = 900, HEIGHT = 360; // pixels of the picture, whatever the screen
  const INK = "#162224", PAPER = "#ffffff"; // black on white also in dark mode: it is a document
  const PEN = 7;

  function blankCanvas(label) {
    const canvas = h("canvas", { class: "mf-sign", width: String(WIDTH), height: String(HEIGHT), role: "img",
      "aria-label": label });
    const pen = canvas.getContext("2d");
    pen.fillStyle = PAPER;
    pen.fillRect(0, 0, WIDTH, HEIGHT);
    pen.strokeStyle = pen.fillStyle = INK;
    pen.lineWidth = PEN;
    pen.lineCap = pen.lineJoin = "round";
    return canvas;
  }

  /* Let a finger, pen or mouse draw; calls `drawn` at the first stroke. */
  function listen(canvas, drawn) {
    const pen = canvas.getContext("2d");
    let down = false;
    const at = (event) => {
      const frame = canvas.getBoundingClientRect();
      const point = event.touches ? event.touches[0] : event;
      return [(point.clientX - frame.left) * WIDTH / frame.width, (point.clientY - frame.top) * HEIGHT / frame.height];
    };
    const start = (event) => {
      down = true;
      const [x, y] = at(event);
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(x + 0.1, y); // a dot is a stroke too
      pen.stroke();
      drawn();
      event.preventDefault();
    };
    const move = (event) => {
      if (!down) return;
      const [x, y] = at(event);
      pen.lineTo(x, y);
      pen.stroke();
      event.preventDefault();
    };
    const end = () => { down = false; };
    const kinds = root.PointerEvent ? ["pointerdown", "pointermove", "pointerup", "pointercancel"] :
      ["touchstart", "touchmove", "touchend", "touchcancel"];
    [start, move, end, end].forEach((listener, i) => canvas.addEventListener(kinds[i], listener, { passive: false }));
    if (root.PointerEvent) {
      canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    }
  }

  function typed(name) {
    const canvas = blankCanvas("");
    const pen = canvas.getContext("2d");
    let size = 150;
    do {
      size -= 10;
      pen.font = `${size}px serif`;
    } while (pen.measureText(name).width > WIDTH - 60 && size > 20);
    pen.textBaseline = "middle";
    pen.fillText(name, 30, HEIGHT / 2);
    return canvas;
  }

  function png(canvas) { return new Promise((resolve) => canvas.toBlob(resolve, "image/png")); }

  function signature(ask) {
    const { words } = ask;
    const box = h("div", { class: "mf-answer" });
    const body = h("div", { class: "mf-card mf-main mf-ask" });
    const status = h("p", { class: "mf-soft", role: "status" });
    let typing = false;

    async function keep(canvas) {
      try {
        const kept = await A.keep(ask.settings.draftKey, ask.item.name, await png(canvas));
        F.unpick(box);
        ask.set(kept.answer);
        status.textContent = kept.safe ? words.fileKept : words.fileMemory;
        draw();
        ask.settled();
      } catch (error) {
        status.textContent = words.fileFailed;
      }
    }

    const button = (text, onclick, strong) => h("button", { type: "button",
      class: `mf-button${strong ? " mf-strong" : ""}`, onclick }, text);
    const link = (text, onclick) => h("button", { type: "button", class: "mf-link", onclick }, text);
    const change = (on) => () => { typing = on; status.textContent = ""; draw(); };

    function drawing() {
      const canvas = blankCanvas(words.signHere);
      let inked = false;
      listen(canvas, () => { inked = true; });
      body.appendChild(h("p", {}, words.signHere));
      body.appendChild(canvas);
      body.appendChild(button(words.signDone, () => {
        if (inked) keep(canvas);
        else status.textContent = words.signBlank;
      }, true));
      body.appendChild(button(words.signClear, draw, false));
      body.appendChild(link(words.signType, change(true)));
    }

    function writing() {
      const id = `mf-${ask.item.name}-name`;
      const input = h("input", { id, type: "text", class: "mf-input", maxlength: "40", autocomplete: "name" });
      body.appendChild(h("label", { for: id }, words.signName));
      body.appendChild(input);
      body.appendChild(button(words.signDone, () => {
        if (input.value.trim()) keep(typed(input.value.trim()));
        else status.textContent = words.signBlank;
      }, true));
      body.appendChild(link(words.signDraw, change(false)));
    }

    async function signed(given) {
      const line = h("p", {}, words.signKept);
      body.appendChild(line);
      body.appendChild(button(words.signAgain, () => {
        A.drop(given.id);
        ask.set("");
        status.textContent = "";
        draw();
        ask.settled();
      }, false));
      const record = await A.find(given.id);
      if (!record) { line.textContent = words.signThere; return; }
      const picture = h("img", { class: "mf-sign", alt: words.signAlt });
      const reader = new FileReader();
      reader.onload = () => { picture.src = reader.result; };
      reader.readAsDataURL(new Blob([record.buffer], { type: record.type }));
      body.insertBefore(picture, line.nextSibling);
    }

    function draw() {
      const { value, missing } = ask.value();
      body.textContent = "";
      if (value && !missing) signed(value);
      else if (typing) writing();
      else drawing();
    }

    box.appendChild(body);
    box.appendChild(status);
    draw();
    F.apart(ask, box, draw);
    return box;
  }

  F.DRAW.signature = signature;
})(typeof self !== "undefined" ? self : this);
