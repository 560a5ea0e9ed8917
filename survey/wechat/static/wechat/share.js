// Offers the share card inside WeChat, where a page has one. Parses as ES2017; loaded on that page only.
(function () {
  "use strict";
  var node = document.querySelector("[data-share]");
  if (!node) { return; }  // the server offers sharing inside WeChat only
  // iOS checks the first address of the web view's session, Android the current one (protocol file, section 7).
  // This script runs before anything changes the address, so the first one is the one it sees now.
  var first = location.pathname + location.search;
  var isApple = Boolean(window.__wxjs_is_wkwebview) || /iPhone|iPad|iPod/.test(navigator.userAgent);

  function current() { return isApple ? first : location.pathname + location.search; }

  function configure(signed) {
    window.wx.config({
      debug: false, appId: signed.appId, timestamp: signed.timestamp, nonceStr: signed.nonceStr,
      signature: signed.signature, jsApiList: ["updateAppMessageShareData", "updateTimelineShareData"]
    });
    window.wx.ready(function () {
      var card = {
        title: node.dataset.title, desc: node.dataset.text, link: node.dataset.link, imgUrl: node.dataset.picture
      };
      window.wx.updateAppMessageShareData(card);
      window.wx.updateTimelineShareData({ title: card.title, link: card.link, imgUrl: card.imgUrl });
      node.hidden = false;
    });
  }

  function sign() {
    fetch(node.dataset.sign + "?page=" + encodeURIComponent(current()), { credentials: "omit" })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(function (signed) { if (signed) { configure(signed); } })
      .catch(function () { node.hidden = true; });  // without the card WeChat shares the plain link
  }

  var script = document.createElement("script");
  script.src = node.dataset.script;
  script.onload = sign;
  document.head.appendChild(script);
}());
