from django.apps import AppConfig
from django.utils.module_loading import import_module


class WeChatConfig(AppConfig):
    name = "survey.wechat"
    label = "wechat"

    def ready(self) -> None:
        """Offer WeChat as a way in, and answer 退订; modules with models cannot be imported above."""
        for name in ("channel", "optout", "chat_answers"):
            import_module(f"survey.wechat.{name}").register()
