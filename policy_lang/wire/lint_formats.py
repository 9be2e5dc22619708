"""Findings as JSON values: our own form, SARIF 2.1.0, GitLab code quality; and as JUnit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from ..domain.errors import Diagnostic, Span
from ..domain.serialize import rule_json
from ..domain.strict_json import Json
from ..lint.check import Check
from ..lint.finding import Finding, Fix, Step
from ..lint.registry import checks
from ..lint.run import Report
from .analysis import moment_json, witness_json

FORMAT_VERSION = 1
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SECURITY = {"error": "8.5", "warning": "5.5", "info": "2.0"}
"""`security-severity` as GitHub reads it: from 7.0 high, from 4.0 medium, below low."""
_GITLAB = {"error": "critical", "warning": "major", "info": "info"}


def place_json(span: Span) -> Json:
    """A place: lines and columns from 1, the end exclusive."""
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {"file": span.source.path, "line": line, "column": column, "end_line": end_line, "end_column": end_column}


def step_json(step: Step) -> Json:
    """One request and its answer."""
    out: Json = {"request": witness_json(step.witness), **moment_json(step.witness), "effect": step.effect}
    if step.tiers:
        out["tiers"] = list(step.tiers)
    out["rules"] = [rule_json(r) for r in step.rules]
    return out | ({"note": step.note} if step.note else {})


def _fix_json(fix: Fix) -> Json:
    return {
        "title": fix.title,
        "safe": fix.safe,
        "edits": [{**place_json(e.span), "start": e.span.start, "end": e.span.end, "text": e.text} for e in fix.edits],
    }


def finding_json(finding: Finding) -> Json:
    """One finding."""
    out: Json = {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "evidence": finding.evidence,
        "persona": finding.persona,
        "message": finding.message,
        **place_json(finding.span),
        "explanation": checks()[finding.code].why,
        "mend": checks()[finding.code].remediation,
        "fingerprint": finding.fingerprint,
        "trace": finding.trace,
        "steps": [step_json(s) for s in finding.steps],
    }
    if finding.related:
        out["related"] = [{"text": text, **place_json(span)} for text, span in finding.related]
    if finding.rows:
        out["rows"] = list(finding.rows)
    if finding.fixes:
        out["fixes"] = [_fix_json(f) for f in finding.fixes]
    return out


def report_json(report: Report) -> Json:
    """A whole run; `version` changes when a field changes its meaning."""
    return {
        "version": FORMAT_VERSION,
        "files": report.files,
        "findings": [finding_json(f) for f in report.findings],
        "suppressed": [finding_json(f) for f in report.suppressed],
        "baselined": [finding_json(f) for f in report.baselined],
        "unfinished": report.unfinished,
    }


# SARIF


def report_sarif(report: Report, version: str, request: Callable[[Step], str]) -> Json:
    """SARIF 2.1.0 (OASIS). A finding of several requests carries them as a code flow. `request` writes a request."""
    used = list(dict.fromkeys(f.code for f in (*report.findings, *report.suppressed)))
    results = [_result(f, used, request) for f in report.findings]
    results += [{**_result(f, used, request), "suppressions": [{"kind": "inSource"}]} for f in report.suppressed]
    left = [
        {"level": "error", "descriptor": {"id": code}, "message": {"text": f"{code} was not looked at to its end"}}
        for code in report.unfinished
    ]
    return _sarif(version, results, left, {"rules": [_rule(checks()[code]) for code in used]})


def errors_sarif(errors: Iterable[Diagnostic], version: str) -> Json:
    """A run that came to no findings, since a policy does not compile: each mistake is a notification."""
    given = [
        {
            "level": "error",
            "descriptor": {"id": e.code},
            "message": {"text": e.message + (f"; {e.help}" if e.help else "")},
            **({"locations": [place]} if e.span is not None and (place := _location(e.span)) else {}),
        }
        for e in errors
    ]
    return _sarif(version, [], given, {})


def _sarif(version: str, results: list[Json], notifications: list[Json], rules: Json) -> Json:
    driver = {"name": "policy_lang", "version": version, "semanticVersion": version, **rules}
    invocation: Json = {"executionSuccessful": not notifications}
    if notifications:
        invocation["toolExecutionNotifications"] = notifications
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "invocations": [invocation],
    }
    return {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}


def _rule(check: Check) -> Json:
    return {
        "id": check.code,
        "name": "".join(p.capitalize() for p in check.name.split("-")),
        "shortDescription": {"text": check.finds},
        "fullDescription": {"text": check.why},
        "help": {"text": check.page(), "markdown": check.markdown()},
        "defaultConfiguration": {"level": _LEVELS[check.severity]},
        "properties": {"tags": ["security", check.evidence], "security-severity": _SECURITY[check.severity]},
    }


def _result(finding: Finding, used: list[str], request: Callable[[Step], str]) -> Json:
    out: Json = {
        "ruleId": finding.code,
        "ruleIndex": used.index(finding.code),
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "partialFingerprints": {"policyLint/v1": finding.fingerprint},
        "properties": {"evidence": finding.evidence, "steps": [step_json(s) for s in finding.steps]},
    }
    place = _location(finding.span)
    if place:
        out["locations"] = [place]
    related = [{**p, "message": {"text": text}} for text, span in finding.related if (p := _location(span))]
    if related:
        out["relatedLocations"] = related
    if finding.trace and place:
        flow = []
        for number, step in enumerate(finding.steps):
            text = f"{request(step)}: {step.effect}" + (f" ({step.note})" if step.note else "")
            there = _granted_at(step) or place
            flow.append({"location": {**there, "message": {"text": text}}, "executionOrder": number + 1})
        out["codeFlows"] = [{"threadFlows": [{"locations": flow}]}]
    fixes = [x for f in finding.fixes if (x := _sarif_fix(f))]
    return out | ({"fixes": fixes} if fixes else {})


def _uri(span: Span) -> str | None:
    return _uri_of(span.source.path)


def _uri_of(file: str) -> str | None:
    path = os.path.relpath(file)
    return None if path.startswith("..") else path.replace(os.sep, "/")


def _region(span: Span) -> Json:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _location(span: Span) -> Json:
    uri = _uri(span)
    if uri is None:
        return {}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": _region(span)}}


def _granted_at(step: Step) -> Json:
    """Where the first rule stands that answers a step; nothing for one of the library."""
    rule = next(iter(step.rules), None)
    uri = _uri_of(rule.file) if rule is not None and os.path.isfile(rule.file) else None
    if rule is None or uri is None:
        return {}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": rule.line}}}


def _sarif_fix(fix: Fix) -> Json:
    changes: list[Json] = []
    for edit in fix.edits:
        uri = _uri(edit.span)
        if uri is None:
            return {}
        changes.append(
            {
                "artifactLocation": {"uri": uri},
                "replacements": [{"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}],
            }
        )
    return {"description": {"text": fix.title}, "artifactChanges": changes}


# GitLab and JUnit


def report_gitlab(report: Report) -> list[Json]:
    """GitLab's code quality report (https://docs.gitlab.com/ci/testing/code_quality/)."""
    return [
        {
            "description": f"{f.code} {f.message}",
            "check_name": f.name,
            "fingerprint": f.fingerprint,
            "severity": _GITLAB[f.severity],
            "location": {"path": f.span.source.path, "lines": {"begin": f.span.line}},
        }
        for f in report.findings
    ]


def report_junit(report: Report, paths: list[str]) -> str:
    """JUnit's XML as CI systems read it: a case for each finding, and one that passes for a file without any."""
    root = Element("testsuites", name="policy lint")
    for path in paths:
        found = [f for f in report.findings if f.span.source.path == os.path.normpath(path)]
        failing = [f for f in found if f.severity != "info"]
        passes = not found and not report.unfinished
        suite = SubElement(
            root, "testsuite", name=_xml(path), tests=str(len(found) + passes), failures=str(len(failing))
        )
        for finding in found:
            case = SubElement(suite, "testcase", classname=_xml(path), name=f"{finding.code} line {finding.span.line}")
            if finding.severity != "info":
                SubElement(case, "failure", type=finding.severity, message=_xml(finding.message))
        if passes:
            SubElement(suite, "testcase", classname=_xml(path), name="no findings")
    if report.unfinished:
        count = str(len(report.unfinished))
        suite = SubElement(root, "testsuite", name="rules not looked at to their end", tests=count, errors=count)
        for code in report.unfinished:
            case = SubElement(suite, "testcase", classname="policy lint", name=code)
            SubElement(case, "error", message="not looked at to its end")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _xml(text: str) -> str:
    """Text without what XML 1.0 cannot hold."""
    return "".join(c if c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff" else "?" for c in text)
