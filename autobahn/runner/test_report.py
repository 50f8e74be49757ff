"""What passes, what fails, what a run that left cases out looks like, and what a summary says."""

from __future__ import annotations

import json
import shlex
import tempfile
import unittest
from datetime import date
from pathlib import Path

from runner import cases, main, report, subjects, suite, summary
from runner.report import Outcome, Run
from runner.summary import Facts

INFORMATIONAL = frozenset({"7.1.6"})


def run_of(planned: list[str], verdicts: dict[str, tuple[str, str]]) -> Run:
    groups: cases.Plan = {}
    for case in planned:
        groups.setdefault(cases.group_of(case), []).append(case)
    return Run("server-tokio", "kosoku", groups, verdicts)


class OutcomeOfACase(unittest.TestCase):
    def test_every_pair_of_verdicts_counts_as_its_row_says(self) -> None:
        rows = [
            ("1.1.1", ("OK", "OK"), Outcome.OK),
            ("1.1.1", ("NON-STRICT", "OK"), Outcome.NON_STRICT),
            ("1.1.1", ("UNIMPLEMENTED", "OK"), Outcome.UNIMPLEMENTED),
            ("1.1.1", ("UNIMPLEMENTED", "UNCLEAN"), Outcome.FAILED),
            ("1.1.1", ("FAILED", "OK"), Outcome.FAILED),
            ("1.1.1", ("ERROR", "OK"), Outcome.FAILED),
            ("1.1.1", ("OK", "WRONG CODE"), Outcome.FAILED),
            ("1.1.1", ("OK", "UNCLEAN"), Outcome.FAILED),
            ("1.1.1", ("OK", "FAILED"), Outcome.FAILED),
            ("1.1.1", ("OK", "FAILED BY CLIENT"), Outcome.FAILED),
            ("1.1.1", ("a word of a later suite", "OK"), Outcome.FAILED),
            ("1.1.1", None, Outcome.FAILED),
            ("7.1.6", ("INFORMATIONAL", "INFORMATIONAL"), Outcome.INFORMATIONAL),
            ("7.1.6", ("OK", "INFORMATIONAL"), Outcome.INFORMATIONAL),
            ("7.1.6", ("OK", "OK"), Outcome.OK),
            ("7.1.6", ("INFORMATIONAL", "UNCLEAN"), Outcome.FAILED),
            ("7.1.6", ("NON-STRICT", "INFORMATIONAL"), Outcome.FAILED),
        ]
        for case, verdict, expected in rows:
            with self.subTest(case=case, verdict=verdict):
                self.assertEqual(report.outcome(case, verdict, INFORMATIONAL), expected)

    def test_informational_fails_where_the_suite_does_not_define_it(self) -> None:
        for verdict in [("INFORMATIONAL", "INFORMATIONAL"), ("INFORMATIONAL", "OK"), ("OK", "INFORMATIONAL")]:
            with self.subTest(verdict=verdict):
                self.assertEqual(report.outcome("7.1.5", verdict, INFORMATIONAL), Outcome.FAILED)

    def test_only_ok_and_informational_pass(self) -> None:
        self.assertEqual([kind for kind in Outcome if kind.passes()], [Outcome.OK, Outcome.INFORMATIONAL])


class RunOfASubject(unittest.TestCase):
    def test_a_case_left_out_fails(self) -> None:
        run = run_of(["1.1.1", "1.1.2"], {"1.1.1": ("OK", "OK")})
        self.assertEqual(report.complaints([run], INFORMATIONAL), ["server-tokio: did not run: 1.1.2"])
        self.assertEqual(report.passed([run], INFORMATIONAL), {True: 1, False: 1})

    def test_a_case_beside_the_plan_fails(self) -> None:
        run = run_of(["1.1.1"], {"1.1.1": ("OK", "OK"), "9.1.1": ("OK", "OK")})
        self.assertEqual(len(report.complaints([run], INFORMATIONAL)), 1)

    def test_cases_that_fail_alike_share_a_line(self) -> None:
        run = run_of(["1.2.10", "1.2.9", "3.2"], {"3.2": ("NON-STRICT", "OK")})
        self.assertEqual(
            report.complaints([run], INFORMATIONAL),
            ["server-tokio: did not run: 1.2.9 1.2.10", "server-tokio: NON-STRICT, closing OK: 3.2"],
        )

    def test_a_fault_is_a_complaint_though_every_case_is_ok(self) -> None:
        run = run_of(["1.1.1"], {"1.1.1": ("OK", "OK")})
        run.fault = "ended with signal 6"
        self.assertEqual(report.complaints([run], INFORMATIONAL), ["server-tokio: ended with signal 6"])

    def test_a_run_without_fault_has_no_complaint(self) -> None:
        run = run_of(["1.1.1", "7.1.6"], {"1.1.1": ("OK", "OK"), "7.1.6": ("INFORMATIONAL", "INFORMATIONAL")})
        self.assertEqual(report.complaints([run], INFORMATIONAL), [])

    def test_runners_that_differ_disagree_case_by_case(self) -> None:
        one = run_of(["1.1.1", "1.1.2"], {"1.1.1": ("OK", "OK"), "1.1.2": ("OK", "OK")})
        other = run_of(["1.1.1", "1.1.2"], {"1.1.1": ("OK", "OK")})
        self.assertEqual(len(report.disagreements(one, other)), 1)
        self.assertEqual(report.disagreements(one, one), [])

    def test_the_table_has_a_row_for_each_group_and_each_subject(self) -> None:
        run = run_of(["1.1.1", "2.1"], {"1.1.1": ("OK", "OK"), "2.1": ("NON-STRICT", "OK")})
        rows = report.table([run], INFORMATIONAL).splitlines()
        self.assertEqual([row.split()[1:5] for row in rows[1:]], [list("1110"), list("2101"), ["all", *"211"]])

    def test_what_a_subject_was_not_asked_to_run_is_said(self) -> None:
        one, other = run_of(["1.1.1", "12.1.1"], {}), run_of(["1.1.1"], {})
        self.assertEqual(
            report.left_out([one, other], one.plan), "left out, 1 cases: groups of server-tokio 12"
        )
        self.assertIsNone(report.left_out([one], one.plan))

    def test_the_summary_maps_what_ran_in_order(self) -> None:
        run = run_of(["1.2.2"], {"1.2.10": ("OK", "OK"), "1.2.9": ("NON-STRICT", "OK")})
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "summary.json"
            report.write_summary([run], file)
            summary = json.loads(file.read_text())
        self.assertEqual(summary, {"server-tokio": {"1.2.9": ["NON-STRICT", "OK"], "1.2.10": ["OK", "OK"]}})
        self.assertEqual(list(summary["server-tokio"]), ["1.2.9", "1.2.10"])


class SummaryOfARun(unittest.TestCase):
    facts = Facts(date(2026, 1, 31), "autobahn/run server-tokio", ["tidewire 0123456789ab", "kosoku 0.1.0"], 61.4)

    def test_it_holds_the_facts_and_a_row_for_each_group(self) -> None:
        run = run_of(["1.1.1", "1.1.2", "2.1"], {case: ("OK", "OK") for case in ["1.1.1", "1.1.2", "2.1"]})
        lines = summary.text(self.facts, [[run]], INFORMATIONAL, run.plan).splitlines()
        for line in [
            "- date: 2026-01-31 (UTC)",
            "- command: `autobahn/run server-tokio`",
            "- versions: tidewire 0123456789ab, kosoku 0.1.0",
            "- wall time: 61 s",
            "- **3 passed, 0 failed**",
            "| server-tokio | 1 | 2 | 2 | 0 | 0 | 0 | 0 |",
            "| server-tokio | 2 | 1 | 1 | 0 | 0 | 0 | 0 |",
        ]:
            with self.subTest(line=line):
                self.assertIn(line, lines)

    def test_it_names_what_does_not_pass_but_not_what_a_process_said(self) -> None:
        run = run_of(["1.1.1", "2.1"], {"1.1.1": ("NON-STRICT", "OK")})
        run.fault = "ended with signal 6; it said last:\n    panicked at /home/someone/main.rs"
        text = summary.text(self.facts, [[run]], INFORMATIONAL, run.plan)
        for words in ["server-tokio was ended early.", "NON-STRICT, closing OK: 1.1.1", "did not run: 2.1"]:
            with self.subTest(words=words):
                self.assertIn(words, text)
        self.assertNotIn("someone", text)

    def test_it_names_what_was_left_out(self) -> None:
        run = run_of(["1.1.1"], {"1.1.1": ("OK", "OK")})
        text = summary.text(self.facts, [[run]], INFORMATIONAL, run.plan | {12: ["12.1.1", "12.1.2"]})
        self.assertIn("- left out, 2 cases: groups of server-tokio 12\n", text)

    def test_the_pinned_versions_are_found(self) -> None:
        self.assertRegex(" ".join(summary.versions(with_reference=True)), r"tidewire .*rustc .*kosoku .*autobahntestsuite")


class CommandLine(unittest.TestCase):
    def command(self, *arguments: str) -> str:
        return main._command(main._parser().parse_args(arguments))

    def test_the_command_of_a_summary_is_what_ran_without_its_file(self) -> None:
        for arguments in [
            [],
            ["server-tokio", "client-tokio"],
            ["--cases", "6.4.*", "--cases", "12.1.1", "--reference"],
            ["--deflate-for", "server-tokio", "--deflate-for", "client-blocking"],
        ]:
            with self.subTest(arguments=arguments):
                words = self.command(*arguments, "--summary", "/home/someone/summary.md")
                self.assertEqual(words, shlex.join(["autobahn/run", *arguments]))

    def test_deflate_is_for_all_subjects_unless_some_are_named(self) -> None:
        chosen = subjects.named([])
        self.assertEqual(main._compressing([], chosen), chosen)
        self.assertEqual(main._compressing(["client-tokio"], chosen), subjects.named(["client-tokio"]))

    def test_deflate_for_a_subject_that_does_not_run_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "client-tokio, which is not among the subjects"):
            main._compressing(["client-tokio"], subjects.named(["server-tokio"]))


class PlanOfARun(unittest.TestCase):
    index = [f"{group}.{number}" for group, count in cases.CASES_IN_GROUP.items() for number in range(1, count + 1)]

    def test_without_a_glob_every_case_of_the_built_groups_is_owed(self) -> None:
        plan = cases.plan(self.index, [])
        self.assertEqual({group: len(names) for group, names in plan.items()},
                         {group: cases.CASES_IN_GROUP[group] for group in cases.GROUPS})

    def test_a_suite_that_lost_a_case_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "group 4 has 10 cases, the suite offers 9"):
            cases.plan([case for case in self.index if case != "4.7"], [])

    def test_a_glob_reaches_groups_that_are_not_built(self) -> None:
        self.assertEqual(cases.plan(self.index, ["12.1", "1.*"]).keys(), {1, 12})

    def test_a_long_group_is_run_section_by_section(self) -> None:
        names = ["12.1.1", "12.1.10", "12.2.1"]
        self.assertEqual(cases.parts(12, names), {"12.1": ["12.1.1", "12.1.10"], "12.2": ["12.2.1"]})
        self.assertEqual(cases.parts(6, ["6.1.1", "6.2.1"]), {"6": ["6.1.1", "6.2.1"]})

    def test_a_client_is_told_where_only_an_offer_without_takeover_is_accepted(self) -> None:
        for case, flags in [
            ("13.1.1", []),
            ("13.2.10", ["--client-no-context-takeover"]),
            ("12.2.1", []),
            ("13.5.1", ["--client-no-context-takeover"]),
            ("1.1.1", []),
        ]:
            with self.subTest(case=case):
                self.assertEqual(cases.client_flags([case]), flags)

    def test_a_long_part_has_more_time(self) -> None:
        self.assertGreater(suite.seconds_for(["13.1.1"]), suite.seconds_for(["9.1.1"]))

    def test_without_deflate_all_else_is_owed(self) -> None:
        plan = cases.without_deflate(cases.plan(self.index, ["*"]))
        self.assertEqual(plan.keys(), cases.CASES_IN_GROUP.keys() - {12, 13})

    def test_a_glob_without_a_match_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "no case matches '11.*'"):
            cases.plan(self.index, ["1.*", "11.*"])

    def test_the_informational_cases_are_those_of_the_suite(self) -> None:
        self.assertEqual(cases.informational(), {"7.1.6", "7.13.1", "7.13.2"})


if __name__ == "__main__":
    unittest.main()
