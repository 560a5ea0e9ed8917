from django.apps import AppConfig
from django.utils.module_loading import import_module


class WeChatConfig(AppConfig):
    name = "survey.wechat"
    label = "wechat"

    def ready(self) -> None:
        """Offer WeChat as a way in, answer in the chat, hear results. Models cannot be imported above."""
        for name in ("channel", "optout", "chat_answers"):
            import_module(f"survey.wechat.{name}").register()
        for name in ("results", "recipients"):
            import_module(f"survey.wechat.{name}")
