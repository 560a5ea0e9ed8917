from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        migrations.AddField("letterbatch", "n_parts", models.PositiveIntegerField(default=0)),
    ]
