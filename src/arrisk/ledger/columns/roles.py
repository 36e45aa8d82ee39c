"""What each shape of source may hold: its roles, the fields of each role, and the code lists a map may set.

A *shape* says how the rows of a source become invoices and events; a *role* is the part a file, sheet or
table plays in it. A column map names a header for each field. Fields marked as required must be found.
"""

from __future__ import annotations

import datetime as dt

from arrisk.ledger.tables import TABLES, Column

__all__ = ["CODES", "FIELDS", "IDENTIFIERS", "NEEDED_ROLES", "OPTIONS"]

OPTIONS: dict[str, tuple[type, ...]] = {
    "currency": (str,),
    "date_format": (str,),
    "day_first": (bool,),
    "decimal": (str,),
    "thousands": (str,),
    "encoding": (str,),
    "delimiter": (str,),
    "sheet": (str, int),
    "strip_zeros": (bool,),
    "report_date": (str, dt.date),
    "apply_payments": (str,),
}

IDENTIFIERS = frozenset(
    {
        "invoice_id", "customer_id", "order_id", "event_id", "group_id", "company_code", "document", "item",
        "clearing_document", "invoice_reference", "fiscal_year", "reference_year", "reference_item",
        "transaction_id", "offset_id", "voucher", "voucher_no", "against_voucher_no", "line_id", "move_id",
        "payment_id", "debit_line", "credit_line",
    }
)  # fmt: skip


def _text(meaning: str) -> Column:
    return Column("text", meaning)


def _date(meaning: str) -> Column:
    return Column("date", meaning)


def _need(column: Column) -> Column:
    return Column(column.kind, column.meaning, required=True)


_PARTY = {name: TABLES["customers"][name] for name in ("name", "segment", "industry", "region", "country")}
_SALES = {
    name: TABLES["invoices"][name]
    for name in ("salesperson", "department", "order_id", "discount_rate", "discount_days", "recorded_date")
}
_CURRENCY = {"currency": _text("ISO 4217 code of the amounts")}

_SETTLED = {
    "invoice_id": _need(_text("number of the invoice")),
    "customer_id": _need(_text("who owes it")),
    "issue_date": _need(_date("date of the invoice")),
    "amount": _need(Column("money", "what was invoiced")),
    "due_date": _date("last day on which payment is in time"),
    "settled_date": _date("when it was paid in full; missing while open"),
    "is_open": Column("flag", "whether the source says that it is still open"),
    **_CURRENCY,
    **_SALES,
    **_PARTY,
}

_SAP = {
    "customer_id": _need(_text("KUNNR")),
    "document": _need(_text("BELNR, number of the document")),
    "posting_date": _need(_date("BUDAT")),
    "amount": _need(Column("money", "WRBTR, amount in document currency")),
    "company_code": _text("BUKRS"),
    "fiscal_year": _text("GJAHR"),
    "item": _text("BUZEI, line of the document"),
    "document_date": _date("BLDAT"),
    "sign": _text("SHKZG: S debit, H credit; without it the sign of the amount counts"),
    "document_type": _text("BLART"),
    "baseline_date": _date("ZFBDT, baseline date of the terms"),
    "days_1": Column("number", "ZBD1T, days of the first discount term"),
    "days_2": Column("number", "ZBD2T, days of the second discount term"),
    "days_3": Column("number", "ZBD3T, net days"),
    "percent_1": Column("number", "ZBD1P, percent of the first discount"),
    "due_date": _date("net due date, when the export carries it"),
    "clearing_date": _date("AUGDT; empty or 00000000 is open"),
    "clearing_document": _text("AUGBL"),
    "invoice_reference": _text("REBZG, the invoice the line belongs to"),
    "reference_year": _text("REBZJ"),
    "reference_item": _text("REBZZ"),
    "discount_taken": Column("money", "WSKTO, cash discount within the amount of a payment"),
    "special_gl": _text("UMSKZ, special general ledger indicator"),
    "recorded_date": _date("CPUDT, day of entry"),
    **_CURRENCY,
    **_PARTY,
}

_CUST_TRANS = {
    "transaction_id": _need(_text("RecId")),
    "customer_id": _need(_text("AccountNum")),
    "date": _need(_date("TransDate")),
    "amount": _need(Column("money", "AmountCur, signed")),
    "due_date": _date("DueDate"),
    "document_date": _date("DocumentDate"),
    "invoice_id": _text("Invoice"),
    "voucher": _text("Voucher"),
    "type": _text("TransType, number or label"),
    "closed_date": _date("Closed; 1900-01-01 is open"),
    **_CURRENCY,
}
_CUST_SETTLEMENT = {
    "transaction_id": _need(_text("TransRecId, the transaction settled")),
    "offset_id": _need(_text("OffsetRecId, the transaction it was settled with")),
    "amount": _need(Column("money", "SettleAmountCur, with the sign of the transaction")),
    "date": _need(_date("TransDate of the settlement")),
    **_CURRENCY,
}
_CUST_TRANS_OPEN = {
    "transaction_id": _need(_text("RefRecId, the open transaction")),
    "amount": _need(Column("money", "AmountCur, what is open")),
    "due_date": _date("DueDate"),
    **_CURRENCY,
}

_ERPNEXT = {
    "posting_date": _need(_date("posting date")),
    "customer_id": _need(_text("party")),
    "voucher_type": _need(_text("voucher type")),
    "voucher_no": _need(_text("voucher number")),
    "against_voucher_type": _need(_text("type of the voucher it counts against")),
    "against_voucher_no": _need(_text("voucher it counts against")),
    "amount": _need(Column("money", "signed: positive raises what is owed")),
    "due_date": _date("due date"),
    "delinked": Column("flag", "1 when the row no longer counts"),
    "account_type": _text("Receivable or Payable"),
    "event_id": _text("name of the entry"),
    **_CURRENCY,
}

_ODOO_LINES = {
    "line_id": _need(_text("id of the journal item")),
    "move_id": _need(_text("the journal entry")),
    "customer_id": _need(_text("partner")),
    "date": _need(_date("accounting date")),
    "debit": _need(Column("money", "debit in company currency")),
    "credit": _need(Column("money", "credit in company currency")),
    "due_date": _date("date_maturity"),
    "issue_date": _date("invoice_date"),
    "residual": Column("money", "amount_residual at the export"),
    "move_type": _text("out_invoice, out_refund, out_receipt or entry"),
    "payment_id": _text("the payment that made the line"),
    "state": _text("draft, posted or cancel"),
    "account_type": _text("asset_receivable, ..."),
    "name": _text("name of the partner"),
    "currency": _text("ISO 4217 code of the company currency"),
}
_ODOO_PARTIALS = {
    "debit_line": _need(_text("debit_move_id, a journal item")),
    "credit_line": _need(_text("credit_move_id, a journal item")),
    "amount": _need(Column("money", "amount in company currency")),
    "date": _need(_date("max_date, the later date of the two lines")),
    "currency": _text("ISO 4217 code of the company currency"),
}

_AGEING = {
    "issue_date": _need(_date("date of the document")),
    "open_amount": _need(Column("money", "what is open at the report date")),
    "customer_id": _text("the customer; without it the group heading names the customer"),
    "invoice_id": _text("number of the document"),
    "due_date": _date("due date"),
    "amount": Column("money", "original amount; without it the open balance is used"),
    "document_type": _text("type of the document"),
    **_CURRENCY,
}

FIELDS: dict[str, dict[str, dict[str, Column]]] = {
    "tables": TABLES,
    "settled_invoices": {"invoices": _SETTLED},
    "sap_items": {"items": _SAP},
    "dynamics_settlements": {
        "transactions": _CUST_TRANS,
        "settlements": _CUST_SETTLEMENT,
        "open_transactions": _CUST_TRANS_OPEN,
    },
    "erpnext_ledger": {"entries": _ERPNEXT},
    "odoo_reconciles": {"lines": _ODOO_LINES, "reconciles": _ODOO_PARTIALS},
    "ageing_detail": {"items": _AGEING},
}

NEEDED_ROLES: dict[str, tuple[str, ...]] = {
    "tables": ("invoices",),
    "settled_invoices": ("invoices",),
    "sap_items": ("items",),
    "dynamics_settlements": ("transactions", "settlements"),
    "erpnext_ledger": ("entries",),
    "odoo_reconciles": ("lines", "reconciles"),
    "ageing_detail": ("items",),
}

# Words of the source by what they mean; a map may replace each list under [codes].
CODES: dict[str, dict[str, tuple[str, ...]]] = {
    "tables": {
        "payment": ("payment", "receipt", "收款", "回款", "付款"),
        "discount": ("discount", "折扣", "现金折扣"),
        "credit_note": ("credit_note", "credit memo", "红字发票", "贷项", "退货"),
        "write_off": ("write_off", "writeoff", "核销坏账", "坏账"),
        "recovery": ("recovery", "坏账收回", "收回"),
    },
    "settled_invoices": {},
    "sap_items": {
        "payment_types": ("DZ", "ZP", "AZ", "ZV"),
        "write_off_types": (),
        "noted_items": ("F",),
    },
    "dynamics_settlements": {
        "payment_types": ("15", "Payment", "17", "Bank", "Cheque"),
        "discount_types": ("27", "CashDiscount", "CashDisc", "Cash discount"),
        "write_off_types": (),
    },
    "erpnext_ledger": {
        "payment_vouchers": ("Payment Entry", "Journal Entry"),
        "credit_vouchers": ("Sales Invoice",),
        "write_off_vouchers": (),
    },
    "odoo_reconciles": {
        "invoice_types": ("out_invoice", "out_receipt"),
        "credit_types": ("out_refund",),
        "credit_prefixes": ("RINV",),
        "write_off_prefixes": (),
    },
    "ageing_detail": {
        "payment_types": ("Payment", "Receipt", "Overpayment", "Prepayment", "Unapplied Cash Payment"),
        "total_words": ("total", "subtotal", "sub-total", "percentage", "合计", "小计", "总计"),
    },
}
