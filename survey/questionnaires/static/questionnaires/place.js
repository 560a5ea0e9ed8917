/* Place: says first what is asked and what is sent, then asks the phone, and can be left out. Parses as ES2017. */
(function (root) {
  "use strict";

  root.MinyiAddWords({
    "zh-hans": {
      placeWhy: "点下面的按钮，手机会再问您一次“是否允许”。只取这一次的位置，和回答一起加密保存。不想给，直接跳过就行。",
      placeGet: "给出现在的位置", placeAgain: "重新定位", placeDrop: "不给了，删掉", placeBusy: "正在定位，请稍等，最多半分钟……",
      placeSent: "会送出：纬度 {0}，经度 {1}，误差约 {2} 米。", placeNone: "这部手机的微信不能定位，跳过这题就行。",
      placeDenied: "您没有允许定位。没关系，跳过这题就行；想给的话，再点一次并选“允许”。",
      placeFailed: "没有定到位。到窗边再试一次，或者跳过这题。",
    },
    "zh-hant": {
      placeWhy: "點下面的按鈕，手機會再問您一次「是否允許」。只取這一次的位置，和回答一起加密保存。不想給，直接跳過就行。",
      placeGet: "給出現在的位置", placeAgain: "重新定位", placeDrop: "不給了，刪掉", placeBusy: "正在定位，請稍等，最多半分鐘……",
      placeSent: "會送出：緯度 {0}，經度 {1}，誤差約 {2} 公尺。", placeNone: "這部手機的微信不能定位，跳過這題就行。",
      placeDenied: "您沒有允許定位。沒關係，跳過這題就行；想給的話，再點一次並選「允許」。",
      placeFailed: "沒有定到位。到窗邊再試一次，或者跳過這題。",
    },
    en: {
      placeWhy: "When you tap the button, the phone asks you once more. Only this one position is taken and kept " +
        "encrypted with your answers. If you would rather not, just skip it.",
      placeGet: "Give my position", placeAgain: "Take it again", placeDrop: "Delete it",
      placeBusy: "Finding the position, please wait up to half a minute…",
      placeSent: "This will be sent: latitude {0}, longitude {1}, within about {2} m.",
      placeNone: "This phone cannot find its position. Just skip this question.",
      placeDenied: "You did not allow it. That is fine, just skip this; to give it, tap again and choose “Allow”.",
      placeFailed: "No position was found. Try again near a window, or skip this question.",
    },
  });

  const F = root.MinyiFields;
  const { h, fill } = root.MinyiDom;
  const WAIT_MS = 30000;
  const DIGITS = 5; // about a metre

  function place(ask) {
    const { words } = ask;
    const box = h("div", { class: "mf-answer" });
    const body = h("div", { class: "mf-card mf-main mf-ask" });
    const status = h("p", { class: "mf-soft", role: "status" });

    function found(position) {
      const { latitude, longitude, accuracy } = position.coords;
      F.unpick(box);
      ask.set({ lat: Number(latitude.toFixed(DIGITS)), lon: Number(longitude.toFixed(DIGITS)), accuracy: Math.ceil(accuracy) });
      status.textContent = "";
      draw();
      ask.settled();
    }

    function locate() {
      status.textContent = words.placeBusy;
      root.navigator.geolocation.getCurrentPosition(found, (error) => {
        status.textContent = error.code === 1 ? words.placeDenied : words.placeFailed; // 1: PERMISSION_DENIED
      }, { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 0 });
    }

    function drop() {
      ask.set("");
      draw();
      ask.settled();
    }

    function draw() {
      const { value, missing } = ask.value();
      const given = value && !missing ? value : null;
      body.textContent = "";
      body.appendChild(h("p", {}, given ? fill(words.placeSent, given.lat, given.lon, given.accuracy) : words.placeWhy));
      if (!root.navigator.geolocation) { status.textContent = words.placeNone; return; }
      body.appendChild(h("button", { type: "button", class: "mf-button", onclick: locate },
        given ? words.placeAgain : words.placeGet));
      if (given) body.appendChild(h("button", { type: "button", class: "mf-link", onclick: drop }, words.placeDrop));
    }

    box.appendChild(body);
    box.appendChild(status);
    draw();
    F.apart(ask, box, draw);
    return box;
  }

  F.DRAW.place = place;
})(typeof self !== "undefined" ? self : this);
