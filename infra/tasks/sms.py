"""Whether texts reach the contacts: what the account may send, and what AWS wants in each country."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import phonenumbers

from framewatch.domain.site import SiteConfig
from infra.tasks.problem import AWS_ERRORS, reason_of
from infra.tasks.report import Line, gather, metric
from infra.tasks.session import Stage

# Countries where no text goes out without an origination identity of one's own, and what that is. From "Supported
# countries and regions" (SNS developer guide) and "Supported countries" (AWS End User Messaging), read 2026-11: the
# United States and territories want a dedicated number since 2023-08-31; Canada and China know no sender IDs; the
# others say "Registration required" of theirs.
NEEDS_IDENTITY = {
    "US": "a toll-free or 10DLC number",
    "PR": "a toll-free or 10DLC number",
    "GU": "a toll-free or 10DLC number",
    "CA": "a long code, toll-free number or short code",
    "CN": "a short code with registered templates",
    "AU": "a registered sender ID",
    "BD": "a registered sender ID",
    "IN": "a registered sender ID",
    "KH": "a registered sender ID",
    "SG": "a registered sender ID",
}
_CONSOLE = "the AWS End User Messaging SMS console"
# What an account may spend a month until it asks for more; a text costs 1 to 10 cents in most countries.
_FIRST_LIMIT_USD = 1.0
_NEARLY = 0.8


def sms_report(stage: Stage, site: SiteConfig) -> list[Line]:
    """Nothing when nobody is to be texted."""
    phones = site.texted_phones
    if not phones:
        return []
    return [
        *gather("texts", lambda: _sandbox(stage, phones)),
        *gather("texts", lambda: _spending(stage)),
        *gather("texts", lambda: _countries(stage, phones)),
    ]


def mask(phone: str) -> str:
    """`+34*******56`: enough to tell contacts apart."""
    country = str(phonenumbers.parse(phone).country_code)
    return f"+{country}{'*' * (len(phone) - len(country) - 3)}{phone[-2:]}"


def _sandbox(stage: Stage, phones: Mapping[str, str]) -> Iterator[Line]:
    sns = stage.session.client("sns")
    if not sns.get_sms_sandbox_account_status()["IsInSandbox"]:
        yield Line("texts", "the account may text any number")
        return
    pages = sns.get_paginator("list_sms_sandbox_phone_numbers").paginate()
    verified = {n["PhoneNumber"] for page in pages for n in page["PhoneNumbers"] if n.get("Status") == "Verified"}
    missing = [f"{i} ({mask(phone)})" for i, phone in phones.items() if phone not in verified]
    yield Line(
        "texts",
        "the account is in the SMS sandbox: it texts verified numbers only, and"
        f" {'these are not: ' + ', '.join(missing) if missing else 'all contacts are'}",
        "verify them under `Sandbox destination phone numbers` in the SNS console, or ask there to leave the sandbox"
        if missing
        else "",
    )


def _spending(stage: Stage) -> Iterator[Line]:
    attributes = stage.session.client("sns").get_sms_attributes().get("attributes", {})
    limit = float(attributes.get("MonthlySpendLimit", _FIRST_LIMIT_USD))
    spent = (
        metric(stage, "AWS/SNS", "SMSMonthToDateSpentUSD", {}, statistic="Maximum", over=timedelta(hours=24)) or 0.0
    )
    raise_it = "raise it: Text messaging preferences in the SNS console, beyond the quota by a support case"
    if spent >= _NEARLY * limit:
        todo = f"at the limit texts stop until next month; {raise_it}"
    else:
        todo = f"that is some 10 to 100 texts a month; {raise_it}" if limit <= _FIRST_LIMIT_USD else ""
    yield Line("texts", f"{spent:.2f} USD spent this month, the limit is {limit:.2f}", todo)


def _countries(stage: Stage, phones: Mapping[str, str]) -> Iterator[Line]:
    owned: set[str] | None = None
    for contact_id, phone in phones.items():
        country = phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or "?"
        who = f"{contact_id} ({mask(phone)}, {country})"
        needed = NEEDS_IDENTITY.get(country)
        if needed is None:
            yield Line("texts", f"{who}: no origination identity is known to be needed there")
            continue
        if owned is None:
            owned = _identities(stage)
        if country in owned:
            yield Line("texts", f"{who}: the account has an origination identity there")
        else:
            yield Line("texts", f"{who}: texts there need {needed}, and there is none", f"request one in {_CONSOLE}")


def _identities(stage: Stage) -> set[str]:
    """Countries, as two letters, where the account has a number or a sender ID."""
    numbers = stage.session.client("sns").get_paginator("list_origination_numbers").paginate()
    found = {n["Iso2CountryCode"] for page in numbers for n in page["PhoneNumbers"]}
    try:
        senders = stage.session.client("pinpoint-sms-voice-v2").get_paginator("describe_sender_ids").paginate()
        found |= {s["IsoCountryCode"] for page in senders for s in page["SenderIds"]}
    except AWS_ERRORS as error:
        print(f"cannot tell which sender IDs the account has: {reason_of(error)}")
    return found
