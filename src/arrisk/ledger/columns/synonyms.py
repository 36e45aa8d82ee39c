"""Headers that people give to the fields of a ledger, in English, Chinese and German, the plainest first."""

from __future__ import annotations

import difflib
from functools import cache

from arrisk.ledger.columns.column_map import ColumnMap, header_key, header_keys

__all__ = ["header_likeness", "synonyms"]

_PAID = (
    "payment date", "paid date", "date paid", "paid on", "settled date", "settlement date", "settled",
    "clear date", "clearing date", "cleared", "close date", "closed date", "receipt date", "received date",
    "收款日期", "回款日期", "到账日期", "结清日期", "核销日期", "付款日期", "实收日期", "zahlungsdatum",
    "zahldatum", "bezahlt am",
)  # fmt: skip
_CUSTOMER = (
    "customer id", "customer no", "customer number", "customer code", "customer", "client id", "client",
    "cust no", "cust id", "cust number", "account no", "account", "debtor id", "debtor", "buyer", "payer",
    "客户编号", "客户编码", "客户代码", "客户号", "客户", "往来单位编码", "往来单位", "购货单位", "买方",
    "kundennummer", "kundennr", "debitor", "kunde",
)  # fmt: skip
_INVOICE = (
    "invoice id", "invoice no", "invoice number", "invoice", "inv no", "inv num", "bill no", "bill number",
    "document number", "document no", "doc no", "voucher no", "reference", "发票号", "发票号码",
    "发票编号", "单据编号", "单据号", "票号", "凭证号", "rechnungsnummer", "rechnungsnr", "belegnummer",
    "rechnung",
)  # fmt: skip
_CURRENCY = ("currency", "currency code", "curr", "ccy", "币种", "币别", "货币", "währung")

_MORE: dict[tuple[str, str], tuple[str, ...]] = {
    ("invoices", "invoice_id"): _INVOICE,
    ("invoices", "customer_id"): _CUSTOMER,
    ("invoices", "issue_date"): (
        "issue date", "invoice date", "inv date", "billing date", "bill date", "document date", "doc date",
        "date of invoice", "issued", "posting date", "transaction date", "date", "开票日期", "发票日期",
        "单据日期", "业务日期", "记账日期", "日期", "rechnungsdatum", "belegdatum",
    ),
    ("invoices", "due_date"): (
        "due date", "net due date", "due on", "net due", "due", "payment due date", "maturity date",
        "maturity", "pay by", "到期日", "到期日期", "应收日期", "付款到期日", "约定付款日",
        "fälligkeitsdatum", "fälligkeit", "fällig am", "fällig",
    ),
    ("invoices", "amount"): (
        "invoice amount", "amount", "gross amount", "total amount", "invoice total", "gross", "total",
        "invoice value", "value", "价税合计", "含税金额", "发票金额", "开票金额", "应收金额", "金额",
        "rechnungsbetrag", "bruttobetrag", "betrag",
    ),
    ("invoices", "settled_date"): _PAID,
    ("invoices", "is_open"): ("is open", "open", "open flag"),
    ("invoices", "currency"): _CURRENCY,
    ("invoices", "name"): ("customer name", "name", "client name", "客户名称", "公司名称", "单位名称",
        "kundenname"),
    ("events", "date"): (*_PAID, "event date", "posting date", "transaction date", "value date", "date",
    "日期", "datum"),
    ("events", "kind"): ("kind", "event type", "transaction type", "type", "类型", "业务类型", "收款类型"),
    ("events", "amount"): (
        "payment amount", "paid amount", "amount paid", "receipt amount", "amount received", "amount",
        "value", "收款金额", "回款金额", "到账金额", "实收金额", "核销金额", "金额", "zahlbetrag",
        "betrag",
    ),
    ("events", "invoice_id"): _INVOICE,
    ("events", "customer_id"): _CUSTOMER,
    ("events", "event_id"): ("payment id", "payment no", "receipt no", "receipt number", "收款单号",
        "流水号"),
    ("events", "currency"): _CURRENCY,
    ("customers", "customer_id"): _CUSTOMER,
    ("customers", "name"): ("name", "customer name", "company", "客户名称", "公司名称", "名称", "单位名称"),
    ("customers", "since_date"): ("customer since", "since", "created", "合作开始日期", "建档日期",
        "开户日期"),
    ("orders", "order_id"): ("order id", "order no", "order number", "order", "so number", "订单号",
        "订单编号"),
    ("orders", "customer_id"): _CUSTOMER,
    ("orders", "order_date"): ("order date", "ordered on", "date", "订单日期", "下单日期", "日期"),
    ("orders", "amount"): ("order amount", "order value", "amount", "value", "total", "订单金额", "含税金额",
        "金额"),
    ("orders", "currency"): _CURRENCY,
    ("limits", "customer_id"): _CUSTOMER,
    ("limits", "valid_from"): ("valid from", "from", "start date", "effective date", "生效日期", "起始日期"),
    ("limits", "credit_limit"): ("credit limit", "limit", "信用额度", "授信额度", "额度", "kreditlimit"),
    ("limits", "currency"): _CURRENCY,
}  # fmt: skip


@cache
def synonyms(role: str, field: str) -> tuple[str, ...]:
    """Headers that a field of a role may have: those of the shipped map and more.

    Examples
    --------
    >>> "发票号" in synonyms("invoices", "invoice_id"), "net due" in synonyms("invoices", "due_date")
    (True, True)
    """
    table = ColumnMap.load("arrisk").tables.get(role)
    shipped = table.columns.get(field, ()) if table else ()
    return tuple(dict.fromkeys((*_MORE.get((role, field), ()), *shipped, field)))


@cache
def header_likeness(header: str, words: tuple[str, ...]) -> float:
    """Tell how like a header is to one of some words, 0 to 1: the same, holding one, or spelt nearly so.

    Examples
    --------
    >>> header_likeness("Due_Date", ("due date",)), header_likeness("到期日(合同)", ("到期日",))
    (1.0, 1.0)
    >>> 0.5 < header_likeness("Net due date", ("due date",)) < 1
    True
    >>> header_likeness("Colour", ("due date",))
    0.0
    """
    return max(
        _likeness(key, header_key(word)) - 0.002 * place
        for key in header_keys(header)
        for place, word in enumerate(words)
    )


def _likeness(key: str, word: str) -> float:
    if key == word:
        return 1.0
    if len(word) >= (2 if not word.isascii() else 4) and word in key:
        return 0.6 + 0.3 * len(word) / len(key)
    ratio = difflib.SequenceMatcher(None, key, word).ratio()
    return 0.7 * ratio if ratio >= 0.8 and len(word) >= 4 else 0.0
