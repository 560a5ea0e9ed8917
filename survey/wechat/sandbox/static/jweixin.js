/* The sandbox's stand-in for jweixin-1.6.0.js: configures, reports errors, keeps the share card. */
(function () {
  var ready = [], failed = [], state = "";
  function settle(result) {
    state = result.errMsg;
    document.documentElement.setAttribute("data-wx-config", state);
    (state === "config:ok" ? ready : failed).forEach(function (each) { each(result); });
  }
  window.wx = {
    config: function (given) {
      var fields = { appId: given.appId, nonceStr: given.nonceStr, timestamp: given.timestamp, signature: given.signature };
      fields.path = location.pathname + location.search;
      fetch("/sandbox/jssdk/check", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) })
        .then(function (answer) { return answer.json(); }).then(settle);
    },
    ready: function (each) { if (state === "config:ok") { each(); } else { ready.push(each); } },
    error: function (each) { failed.push(each); },
    updateAppMessageShareData: function (card) { document.documentElement.setAttribute("data-wx-share", JSON.stringify(card)); },
    updateTimelineShareData: function () {},
    closeWindow: function () {}
  };
})();
