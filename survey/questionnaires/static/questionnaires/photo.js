/* Photo: taken or chosen, made smaller on the phone, without the data that cameras write into files (EXIF: place,
 * device, time), because a canvas holds only the picture. Parses as ES2017. */
(function (root) {
  "use strict";

  root.MinyiAddWords({
    "zh-hans": {
      photoTake: "拍一张", photoPick: "从相册里选", photoAgain: "重新拍", photoDrop: "删掉这张",
      photoWhy: "照片在手机上缩小，去掉拍摄地点和时间，再和回答一起加密保存。", photoBusy: "正在缩小照片，请稍等……",
      photoAlt: "您拍的照片", photoThere: "照片已经送到（{0} kB）。", photoBad: "这个文件不是照片，请换一张。",
    },
    "zh-hant": {
      photoTake: "拍一張", photoPick: "從相簿裡選", photoAgain: "重新拍", photoDrop: "刪掉這張",
      photoWhy: "照片在手機上縮小，去掉拍攝地點和時間，再和回答一起加密保存。", photoBusy: "正在縮小照片，請稍等……",
      photoAlt: "您拍的照片", photoThere: "照片已經送到（{0} kB）。", photoBad: "這個檔案不是照片，請換一張。",
    },
    en: {
      photoTake: "Take a photo", photoPick: "Choose from album", photoAgain: "Take another", photoDrop: "Delete it",
      photoWhy: "The photo is made smaller on your phone, loses where and when it was taken, and is kept encrypted.",
      photoBusy: "Making the photo smaller, please wait…", photoAlt: "Your photo",
      photoThere: "The photo has arrived ({0} kB).", photoBad: "This file is not a photo. Please choose another.",
    },
  });

  const F = root.MinyiFields, A = root.MinyiAttachments;
  const { h, fill } = root.MinyiDom;
  const MAX_SIDE = 1600, MAX_BYTES = 400000;
  const QUALITIES = [0.85, 0.7, 0.55, 0.4];

  /* The picture of a file; by a data: address, which the page's policy allows and blob: is not. */
  function load(file) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onerror = () => reject(reader.error);
      reader.onload = () => {
        const picture = new Image();
        picture.onload = () => resolve(picture);
        picture.onerror = () => reject(new Error("no picture"));
        picture.src = reader.result;
      };
      reader.readAsDataURL(file);
    });
  }

  /* 1 to 8 as EXIF's tag 0x0112 says how the camera was held (CIPA DC-008, 4.6.4); 1 where the file says nothing. */
  async function orientation(file) {
    const buffer = await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onloadend = () => resolve(reader.result || new ArrayBuffer(0));
      reader.readAsArrayBuffer(file.slice(0, 131072));
    });
    const view = new DataView(buffer);
    if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return 1;
    for (let at = 2; at + 14 < view.byteLength;) {
      const marker = view.getUint16(at), length = view.getUint16(at + 2);
      if (marker === 0xffe1 && view.getUint32(at + 4) === 0x45786966) return tag(view, at + 10);
      if ((marker & 0xff00) !== 0xff00 || length < 2) return 1;
      at += 2 + length;
    }
    return 1;
  }

  function tag(view, start) {
    const little = view.getUint16(start) === 0x4949;
    const first = start + view.getUint32(start + 4, little);
    if (first + 2 > view.byteLength) return 1;
    const count = view.getUint16(first, little);
    for (let i = 0; i < count && first + 14 + i * 12 <= view.byteLength; i++) {
      const entry = first + 2 + i * 12;
      if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little);
    }
    return 1;
  }

  // Kernels before Chromium 81 do not turn the picture by themselves.
  const TURNS_ITSELF = Boolean(root.CSS && CSS.supports("image-orientation", "from-image"));
  const TURNS = { 3: [-1, 0, 0, -1, 1, 1], 6: [0, 1, -1, 0, 1, 0], 8: [0, -1, 1, 0, 0, 1] };

  function paint(picture, side, turned) {
    const scale = Math.min(1, side / Math.max(picture.naturalWidth, picture.naturalHeight));
    const width = Math.round(picture.naturalWidth * scale), height = Math.round(picture.naturalHeight * scale);
    const canvas = document.createElement("canvas");
    const across = turned === 6 || turned === 8;
    canvas.width = across ? height : width;
    canvas.height = across ? width : height;
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    const turn = TURNS[turned];
    if (turn) pen.setTransform(turn[0], turn[1], turn[2], turn[3], turn[4] * canvas.width, turn[5] * canvas.height);
    pen.drawImage(picture, 0, 0, width, height);
    return canvas;
  }

  function jpeg(canvas, quality) {
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  }

  /* At most 1600 px on the longer side and 400 kB. */
  async function shrink(file) {
    const picture = await load(file);
    const turned = TURNS_ITSELF ? 1 : await orientation(file);
    for (let side = MAX_SIDE; ; side = Math.round(side * 0.7)) {
      const canvas = paint(picture, side, turned);
      for (const quality of QUALITIES) {
        const blob = await jpeg(canvas, quality);
        if (blob && blob.size <= MAX_BYTES) return blob;
      }
    }
  }

  function photo(ask) {
    const { words } = ask;
    const key = ask.settings.draftKey;
    const box = h("div", { class: "mf-answer" });
    const view = h("div", { class: "mf-view" });
    const body = h("div", { class: "mf-card mf-main mf-ask" });
    const status = h("p", { class: "mf-soft", role: "status" });

    async function taken(file) {
      if (!file) return;
      status.textContent = words.photoBusy;
      try {
        const kept = await A.keep(key, ask.item.name, await shrink(file));
        F.unpick(box);
        ask.set(kept.answer);
        status.textContent = kept.safe ? words.fileKept : words.fileMemory;
        draw();
        ask.settled();
      } catch (error) {
        status.textContent = words.photoBad;
      }
    }

    function drop() {
      A.drop(ask.value().value.id);
      ask.set("");
      status.textContent = "";
      draw();
      ask.settled();
    }

    function chooser(text, capture, strong) {
      const input = h("input", { type: "file", accept: "image/*", capture: capture ? "environment" : null,
        class: "mf-file", onchange: () => taken(input.files[0]) });
      return h("label", { class: `mf-button mf-filebutton${strong ? " mf-strong" : ""}` }, input, h("span", {}, text));
    }

    async function show(given) {
      const record = await A.find(given.id);
      view.textContent = "";
      if (!record) {
        view.appendChild(h("p", {}, fill(words.photoThere, Math.round(given.bytes / 1000))));
        return;
      }
      const picture = await load(new Blob([record.buffer], { type: record.type }));
      picture.alt = words.photoAlt;
      view.textContent = "";
      view.appendChild(picture);
    }

    function draw() {
      const { value, missing } = ask.value();
      const given = value && !missing ? value : null;
      body.textContent = "";
      view.textContent = "";
      if (given) show(given);
      body.appendChild(given ? view : h("p", {}, words.photoWhy));
      body.appendChild(chooser(given ? words.photoAgain : words.photoTake, true, !given));
      body.appendChild(chooser(words.photoPick, false, false));
      if (given) body.appendChild(h("button", { type: "button", class: "mf-link", onclick: drop }, words.photoDrop));
    }

    box.appendChild(body);
    box.appendChild(status);
    draw();
    F.apart(ask, box, draw);
    return box;
  }

  F.DRAW.photo = photo;
})(typeof self !== "undefined" ? self : this);
