import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('accounts', '0004_token_scopes')]
    operations = [
        # Nobody knows since when those are members who are: they keep no moment.
        migrations.AddField(model_name='membership', name='since', field=models.DateTimeField(null=True)),
        migrations.AlterField(
            model_name='membership', name='since', field=models.DateTimeField(default=django.utils.timezone.now, null=True)
        ),
        migrations.AddField(model_name='membership', name='by', field=models.CharField(blank=True, default='', max_length=200)),
        migrations.AddField(
            model_name='invitation', name='by', field=models.CharField(blank=True, default='', max_length=200)
        ),
        migrations.AddField(
            model_name='invitation',
            name='user',
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to=settings.AUTH_USER_MODEL
            ),
        ),
    ]
