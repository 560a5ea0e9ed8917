"""A newcomer sets up the channel, with the console on one side and Tencent's back office on the other."""

import re

from playwright.sync_api import expect


def log_in(walker):
    page = walker.page
    page.goto("/console/")
    page.get_by_label("用户名").fill("li")
    page.get_by_label("密码").fill("li-password")
    page.get_by_role("button", name="登录").click()


def value_of(page, name):
    """What a page shows to be copied, folded away or not."""
    return page.locator(f'[data-value="{name}"]').first.text_content().strip()


def check(page, step):
    """Press a step's button; what WeChat says."""
    page.locator(f"#{step}").get_by_role("button", name=re.compile("检查")).click()
    return page.locator(f"#{step}")


# --- the set-up ---------------------------------------------------------------------------------------
def register(office, tencent):
    """What the newcomer has at Tencent: a service account that nobody has set up."""
    office.goto(f"{tencent.url}/mp")
    office.get_by_label("账号名称").fill("济南民意")
    office.get_by_role("button", name="注册").click()
    return value_of(office, "app-id"), value_of(office, "secret")


def set_up(walker, office, tencent):
    """Every step of the page, each with its refusal first where there is one."""
    page = walker.page
    app_id, secret = register(office, tencent)
    page.goto("/console/wechat/")
    walker.look("01-no-account")
    page.get_by_label("公众号名称").fill("济南民意")
    page.get_by_label("开发者ID（AppID）").fill(app_id)
    page.get_by_label("开发者密码（AppSecret）").fill(secret)
    page.locator('input[name="studies"]').first.check()
    page.get_by_role("button", name="登记，下一步").click()
    walker.look("02-nothing-checked")

    expect(check(page, "token")).to_contain_text("AppID 和 AppSecret 对")
    refused = check(page, "white_list")
    expect(refused).to_contain_text("没通过")
    expect(refused).to_contain_text("127.0.0.1")
    walker.look("03-not-in-the-white-list")
    office.get_by_label("每行一个地址").fill("127.0.0.1")
    office.get_by_role("button", name="保存白名单").click()
    expect(check(page, "white_list")).to_contain_text("微信认得本机的地址")

    expect(check(page, "address")).to_contain_text("微信还没有来核对过这个地址")
    office.get_by_label("服务器地址(URL)").fill(value_of(page, "url"))
    office.get_by_label("令牌(Token)").fill(value_of(page, "token"))
    office.get_by_label("消息加解密密钥(EncodingAESKey)").fill(value_of(page, "key"))
    office.get_by_role("button", name="提交").click()
    expect(office.get_by_text("提交成功，已启用")).to_be_visible()
    expect(check(page, "address")).to_contain_text("微信来核对过这个地址")

    page.get_by_label("文件名").fill(value_of(office, "check-file"))
    page.get_by_label("文件里的内容").fill(value_of(office, "check-content"))
    page.get_by_role("button", name="放到网站上").click()
    for label in ("业务域名", "JS接口安全域名", "网页授权域名"):
        office.get_by_label(re.compile(label)).fill(value_of(page, "host"))
    office.get_by_role("button", name="保存域名").click()
    expect(office.get_by_text("域名：保存成功")).to_be_visible()
    expect(check(page, "domains")).to_contain_text("还没有手机走通过")

    for kind in ("模板消息", "订阅通知"):
        office.get_by_role("button", name=re.compile(kind)).click()
    expect(check(page, "templates")).to_contain_text("选用了 2 个模板")
    _publish_menu(walker)
    expect(check(page, "menu")).to_contain_text("答题")
    walker.look("05-set-up")
    return app_id


def _publish_menu(walker):
    page = walker.page
    page.get_by_role("link", name="菜单、二维码和文章").click()
    page.locator("#name0").fill("答题")
    page.locator("#target0").fill(f"{page.url.split('/console')[0]}/s/")
    page.locator("#name1").fill("怎么答")
    page.locator("#type1").select_option("click")
    page.locator("#target1").fill("typed_code")
    page.get_by_role("button", name="交给微信").click()
    expect(page.get_by_text("微信收下了菜单")).to_be_visible()
    walker.look("04-published")
    page.get_by_role("link", name="济南民意").first.click()
