from django.apps import AppConfig


class WeChatConfig(AppConfig):
    name = "survey.wechat"
    label = "wechat"
