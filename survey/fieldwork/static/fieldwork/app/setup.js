/* Before work: what this browser must be able to do, whose phone it is, the PIN. */

import { sentence } from "./sentence.js";
import { action, h, icon } from "./ui.js";
import { Vault, WrongPin } from "./vault.js";
import { Store } from "./store.js";
import { failure, SAID } from "./syncing.js";
import { toBase64 } from "./sealing.js";
import { newId, Work } from "./work.js";

const PIN = /^\d{6}$/;

/* What is missing for work that must not be lost; "" when nothing is. */
export async function missing() {
  if (!globalThis.isSecureContext || !globalThis.crypto || !crypto.subtle) {
    return "这个地址不是安全连接（https），手机不让加密。请用单位给您的 https 网址打开。";
  }
  if (!navigator.serviceWorker) return "这个浏览器装不了应用（也可能是无痕窗口）。请换手机自带浏览器或 Chrome，正常窗口打开。";
  let trial;
  try {
    trial = await Store.open("minyi-field-trial");
  } catch (error) {
    return "这个浏览器存不住东西（可能是无痕窗口，或手机空间满了）。请换正常窗口，清出一些空间再打开。";
  }
  const strict = trial.isStrict();
  trial.base.close();
  if (!strict) return "这个浏览器不能保证把答卷写牢，断电可能丢。请更新浏览器，或换 Chrome。";
  if (!navigator.storage || !navigator.storage.persist) return "这个浏览器可能自己清掉存的东西。请更新浏览器，或换 Chrome。";
  if (await navigator.storage.persisted() || await navigator.storage.persist()) return "";
  return "手机没有答应长期保存，可能自己清掉答卷（无痕窗口也是这样）。请先把应用装到桌面，再从桌面图标打开。";
}

export function cannot(app, why) {
  app.title("还不能开始工作", "");
  app.show([h("div", { class: "f-body" }, h("p", { class: "note note-warning" }, why), install(app),
    action("再试一次", {}, async () => { await app.start(); }),
    h("p", {}, h("a", { class: "f-more", href: app.settings.plain }, "有信号时，也可以用网页版")))]);
}

/* The button of the browser's own installation, where it offers one. */
export function install(app) {
  if (matchMedia("(display-mode: standalone)").matches) return null;
  const button = action("装到手机桌面", { class: "button button-quiet f-wide", id: "install" }, async () => {
    await app.installer.prompt();
    await app.installer.userChoice;
  });
  button.hidden = !app.installer;
  const hint = h("p", { class: "help" }, "没有按钮，或点了没反应：点浏览器菜单里的“安装应用”或“添加到主屏幕”。");
  app.onInstaller = () => { button.hidden = false; };
  return h("div", { class: "a-new" }, button, button.said, hint);
}

export function welcome(app, hello) {
  app.title("入户", "没有信号也能访问");
  const login = `${app.settings.login}?next=${encodeURIComponent(location.pathname)}`;
  app.show([h("div", { class: "f-body" }, h("section", { class: "a-steps" }, h("h2", {}, "三步就好"),
    h("ol", {}, h("li", {}, "装到手机桌面"), h("li", {}, "登录您的账号"), h("li", {}, "设一个 6 位 PIN"))),
  install(app), hello ? newPin(app, hello) : h("a", { class: "button f-wide", href: login }, "登录"))]);
}

function pinField(id, label) {
  return h("div", { class: "field" }, h("label", { for: id }, label), h("input", { id, type: "password",
    inputmode: "numeric", autocomplete: "off", maxlength: "6", class: "a-pin" }));
}

function newPin(app, hello) {
  const form = h("form", { class: "a-new", onsubmit: (event) => event.preventDefault() },
    h("h2", {}, `${hello.user.name}，您好。设一个 PIN`),
    h("p", { class: "help" }, "6 位数字，每次打开要输。忘了 PIN，手机里没写完的就打不开；已经写完的不受影响，照样能上传。"),
    pinField("pin", "PIN"), pinField("pin2", "再输一次"));
  const save = action("设好，开始", {}, async () => {
    const pin = form.querySelector("#pin").value, again = form.querySelector("#pin2").value;
    if (!PIN.test(pin)) throw sentence("PIN 要 6 位数字。");
    if (/^(\d)\1*$/.test(pin) || "0123456789876543210".includes(pin)) throw sentence("这个 PIN 太好猜了，请换一个。");
    if (pin !== again) throw sentence("两次输的不一样，请再输一次。");
    await create(app, hello.user, pin);
  });
  form.append(save, save.said);
  return form;
}

async function create(app, user, pin) {
  const store = await Store.open(`minyi-field-${user.id}`);
  const vault = await Vault.create(store, pin);
  const device = { id: newId(null), secret: toBase64(crypto.getRandomValues(new Uint8Array(32))) };
  await store.write([["put", "meta", { id: "device", value: await vault.lock("device", device) }],
    ["put", "meta", { id: "device_id", value: device.id }], ["put", "meta", { id: "user", value: user }]]);
  await app.directory.setValue("user", user.id);
  await app.begin(new Work(store, vault));
}

export function unlock(app, store, user) {
  const form = h("form", { class: "f-body", onsubmit: (event) => { event.preventDefault(); open.click(); } },
    pinField("pin", "PIN"));
  const open = action("打开", {}, async () => {
    try {
      await app.begin(new Work(store, await Vault.open(store, form.querySelector("#pin").value)));
    } catch (error) {
      if (!(error instanceof WrongPin)) throw error;
      form.querySelector("#pin").value = "";
      throw sentence(error.waitMs > 0 ? `PIN 不对。请过 ${Math.ceil(error.waitMs / 1000)} 秒再试。` : "PIN 不对，请再输一次。");
    }
  });
  form.append(open, open.said, h("p", {}, h("button", { type: "button", class: "link f-more", onclick: () => forgot(app, store, user) },
    "忘了 PIN，或不是您的手机")));
  app.title(user.name, "输入 PIN 打开");
  app.show([form]);
  form.querySelector("#pin").focus();
}

/* Without the PIN: what is finished goes up sealed, by whoever logs in; then the phone can be set up anew. */
export async function forgot(app, store, user, locked = false) {
  const n = (await store.all("outbox")).filter((item) => item.state === "waiting").length;
  const carry = action(`上传 ${n} 条（不用 PIN）`, {}, async () => {
    try {
      await app.carry(store);
    } catch (error) {
      const why = failure(error);
      throw sentence(why === "login" ? "要先登录才能上传，哪位访员的账号都行。" : `${SAID[why]}。封好的都还在。`);
    }
    await forgot(app, store, user, locked);
  });
  const anew = action("重新设置这部手机", { class: "button button-quiet f-wide" }, async () => {
    if ((await store.all("outbox")).some((item) => item.state === "waiting")) throw sentence("还有写完没上传的，先上传再重设。");
    await app.erase(store);
  });
  app.title(locked ? "这部手机被锁定了" : user.name, "");
  app.show([h("div", { class: "f-body" }, h("p", { class: "note" }, icon("lock"), locked ?
    "督导员锁定了这部手机，没写完的已经打不开。写完的还在，可以上传。" :
    "没有 PIN，谁也看不到这部手机里的内容。写完的答卷已经封好，任何访员登录都能代为上传。"),
  n ? [carry, carry.said] : h("p", {}, "没有要上传的。"),
  h("a", { class: "button button-quiet f-wide", href: `${app.settings.login}?next=${encodeURIComponent(location.pathname)}` }, "登录"),
  h("p", { class: "help" }, "重设会清掉没写完的访问。"), anew, anew.said)]);
}
