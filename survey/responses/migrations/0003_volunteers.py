import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("regions", "0001_initial"),
        ("responses", "0002_drafts_attachments_reviews"),
        ("studies", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="respondent",
            name="region",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="regions.region",
            ),
        ),
        migrations.CreateModel(
            name="VolunteerAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identity_hash", models.CharField(max_length=64)),
                ("pattern_hash", models.CharField(max_length=64)),
                (
                    "response",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="volunteer",
                        to="responses.response",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="volunteer_answers",
                        to="studies.round",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["round", "pattern_hash"], name="responses_v_round_i_c808d8_idx")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("round", "identity_hash"), name="one_volunteer_answer_per_identity"
                    )
                ],
            },
        ),
    ]
