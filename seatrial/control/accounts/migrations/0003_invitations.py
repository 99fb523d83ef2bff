import django.db.models.deletion
from django.db import migrations, models

import seatrial.control.ids
import seatrial.wire.envelope

ROLES = [('owner', 'Owner'), ('admin', 'Admin'), ('developer', 'Developer'), ('viewer', 'Viewer')]


class Migration(migrations.Migration):
    dependencies = [('accounts', '0002_cache_table')]
    operations = [
        migrations.AddField(
            model_name='membership', name='mapped', field=models.BooleanField(default=False)
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', seatrial.control.ids.UlidField(default=seatrial.wire.envelope.new_id, editable=False, max_length=26, primary_key=True, serialize=False)),
                ('provider', models.CharField(max_length=20)),
                ('login', models.CharField(max_length=254)),
                ('uid', models.CharField(blank=True, max_length=191)),
                ('role', models.CharField(choices=ROLES, max_length=20)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('accepted_at', models.DateTimeField(null=True)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='accounts.workspace')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'login', 'workspace'), name='one_invitation_per_workspace')],
            },
        ),
    ]
