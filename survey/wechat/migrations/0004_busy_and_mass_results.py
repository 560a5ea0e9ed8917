import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0001_initial"),
        ("wechat", "0003_publishing"),
    ]

    operations = [
        migrations.CreateModel(
            name="MassSend",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("step", models.CharField(max_length=30)),
                ("client_msg_id", models.CharField(max_length=32, unique=True)),
                ("n_listed", models.PositiveIntegerField(default=0)),
                ("called_at", models.DateTimeField(null=True)),
                ("tencent_id", models.CharField(blank=True, db_index=True, max_length=40)),
                ("status", models.CharField(blank=True, max_length=40)),
                ("n_total", models.PositiveIntegerField(null=True)),
                ("n_sent", models.PositiveIntegerField(null=True)),
                ("n_errors", models.PositiveIntegerField(null=True)),
                ("reported_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mass_sends",
                        to="wechat.wechataccount",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mass_sends",
                        to="studies.round",
                    ),
                ),
            ],
            options={"ordering": ["-called_at", "-pk"]},
        ),
        migrations.AddField(
            model_name="outboundmessage",
            name="n_busy",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="outboundmessage",
            name="mass_send",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="messages",
                to="wechat.masssend",
            ),
        ),
    ]
