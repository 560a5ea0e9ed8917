"""`make demo`: a site with a model city, on SQLite and without a broker."""

import hashlib
import signal
import sys
import time

import numpy as np
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from survey.demo import fieldwork, setup
from survey.demo.people import CAST, PASSWORD
from survey.demo.site import Site, SiteError
from survey.reports.services import create_run, publish_report


def static_fingerprint() -> str:
    """Changes when any static file of any app does: collecting takes a while, so it is done only then."""
    lines = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            lines.append(f"{name} {storage.size(name)} {storage.get_modified_time(name).timestamp()}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


class Command(BaseCommand):
    help = "造一座模拟城市，启动演示网站"

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--build-only", action="store_true", help="建好就退出，不留着网站")

    def handle(self, *args, **options):
        if settings.MINYI_ENV != "demo":
            raise CommandError("演示只在 MINYI_ENV=demo 时运行；请用 make demo。")
        self.started = time.monotonic()
        site = Site(options["port"], options["port"] + 20)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            self.prepare()
            built = None
            if setup.built_round() is None:
                self.refuse_half_built()
                built = setup.build(self.say)
            self.say("启动网站和模拟微信")
            site.start()
            if built is not None:
                self.run_field(built, site)
            else:
                fieldwork.prepare_wechat(site, [], setup.read_guests())
            self.show(site)
            if not options["build_only"]:
                site.wait()
        except SiteError as error:
            raise CommandError(str(error)) from error
        except (KeyboardInterrupt, SystemExit):
            self.stdout.write("\n演示已停下，数据还在 var/。再来一次：make demo")
        finally:
            site.stop()

    def say(self, text: str) -> None:
        self.stdout.write(f"[{time.monotonic() - self.started:5.0f} 秒] {text} ……")
        self.stdout.flush()

    def prepare(self) -> None:
        self.say("准备数据库和静态文件")
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        mark = settings.STATIC_ROOT / "collected-from"
        fingerprint = static_fingerprint()
        if not mark.exists() or mark.read_text(encoding="utf-8") != fingerprint:
            call_command("collectstatic", interactive=False, verbosity=0)
            mark.write_text(fingerprint, encoding="utf-8")

    def refuse_half_built(self) -> None:
        """A first start that was interrupted leaves a database that is neither empty nor finished."""
        from survey.studies.models import Study

        if Study.objects.exists():
            raise CommandError("上一次没有建完。请先删掉 var/（rm -r var），再运行 make demo。")

    def run_field(self, built: setup.Built, site: Site) -> None:
        rng = np.random.default_rng(fieldwork.FIELD_SEED)
        plans, silent = fieldwork.plan_web(built, rng)
        fieldwork.prepare_wechat(site, plans, built.guests)
        tally = fieldwork.Tally()
        self.say(f"{len(built.letters):,} 户收到信；{len(plans):,} 位居民在手机上答题")
        fieldwork.answer_web(built, site, plans, tally, self.progress)
        doors = fieldwork.plan_doors(built, silent, rng)
        self.say(f"没回音的 {len(silent):,} 户，访员上门")
        fieldwork.answer_doors(built, site, doors, tally, self.progress)
        if tally.failures:
            shown = "\n".join(tally.failures[:5])
            raise CommandError(f"有 {len(tally.failures)} 份没有交上：\n{shown}")
        self.say(f"收回 {tally.total:,} 份；计算权数和误差，出报告")
        run = create_run(round=built.round, acting_user=built.people["li"])
        publish_report(run=run, title=built.round.study.title, acting_user=built.people["li"])

    def progress(self, done: int, total: int) -> None:
        self.stdout.write(f"             {done:,} / {total:,}")
        self.stdout.flush()

    def show(self, site: Site) -> None:
        guests = setup.read_guests()
        lines = ["", "民意演示已就绪（全部是模拟数据）", "", f"  控制台  {site.address}/console/"]
        lines += [f"  报告    {site.address}/reports/", f"  手机    {site.wechat_address}/  （模拟微信）", ""]
        lines += [f"  登录（密码都是 {PASSWORD}）："]
        lines += [f"    {p.username:<7} {p.name}  {p.what}" for p in CAST if not p.username[-1].isdigit()]
        lines += ["    zhao1 … zhao6  访员：手机上打开 " + f"{site.address}/field/", ""]
        lines += ["  还没答的几封信，扫码（打开网址）或者输码都行："]
        lines += [f"    {site.address}{g.path}   {g.typed}" for g in guests]
        lines += ["", "  停下：Ctrl+C。再次启动只要几秒，数据保留。", ""]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()
