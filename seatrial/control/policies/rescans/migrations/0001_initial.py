"""Re-scans, their targets, and when projects are due."""

import django.db.models.deletion
import seatrial.control.ids
import seatrial.wire.envelope
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0003_invitations'),
        ('policies', '0017_baselines'),
        ('projects', '0008_rescan'),
    ]

    operations = [
        migrations.CreateModel(
            name='Due',
            fields=[
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='rescan_due', serialize=False, to='projects.project')),
                ('setting', models.CharField(max_length=100)),
                ('at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Rescan',
            fields=[
                ('id', seatrial.control.ids.UlidField(default=seatrial.wire.envelope.new_id, editable=False, max_length=26, primary_key=True, serialize=False)),
                ('scheduled', models.BooleanField(default=False)),
                ('fresh', models.BooleanField(default=False)),
                ('by', models.CharField(max_length=200)),
                ('left_out', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('stopped_by', models.CharField(blank=True, max_length=200)),
                ('policy', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='rescans', to='policies.policy')),
                ('project', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rescans', to='projects.project')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rescans', to='accounts.workspace')),
            ],
        ),
        migrations.CreateModel(
            name='RescanTarget',
            fields=[
                ('id', seatrial.control.ids.UlidField(default=seatrial.wire.envelope.new_id, editable=False, max_length=26, primary_key=True, serialize=False)),
                ('outcome', models.CharField(choices=[('waiting', 'Waiting'), ('under_way', 'Under Way'), ('evaluated', 'Evaluated'), ('not_applicable', 'Not Applicable'), ('overtaken', 'Overtaken'), ('gone', 'Gone'), ('unreachable', 'Unreachable'), ('stopped', 'Stopped')], default='waiting', max_length=20)),
                ('why', models.TextField(blank=True)),
                ('begun_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('evaluation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='rescan_targets', to='policies.evaluation')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='projects.project')),
                ('pull_request', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='projects.pullrequest')),
                ('repeats', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='policies.evaluation')),
                ('rescan', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='targets', to='rescans.rescan')),
            ],
        ),
        migrations.AddIndex(
            model_name='rescan',
            index=models.Index(fields=['workspace', 'id'], name='rescans_of_workspace'),
        ),
        migrations.AddIndex(
            model_name='rescantarget',
            index=models.Index(fields=['rescan', 'outcome'], name='targets_of_rescan'),
        ),
        migrations.AddIndex(
            model_name='rescantarget',
            index=models.Index(condition=models.Q(('ended_at', None)), fields=['outcome'], name='rescan_targets_under_way'),
        ),
    ]
