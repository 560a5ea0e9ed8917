from django.apps import AppConfig
from django.utils.module_loading import import_module


class WeChatConfig(AppConfig):
    name = "survey.wechat"
    label = "wechat"

    def ready(self) -> None:
        """Offer WeChat as a way in; the module needs loaded models, so it cannot be imported above."""
        import_module("survey.wechat.channel").register()
